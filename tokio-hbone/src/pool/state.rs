use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Instant;

use hbone::pool::{
    Action, Checkout, ConnectionId, Failure, Pool as Policy, PoolConfig, Spread, TicketId,
};
use hbone::{ApiMisuse, DialError};
use tokio::sync::oneshot;

use super::errand::Errand;
use super::event::PoolEvent;
use super::grant::Answer;
use super::key::Key;
use super::lease::StreamEnd;
use super::stats::PoolStats;
use super::unanswered::Unanswered;
use crate::link::Link;
use crate::observe::Monitor;
use crate::walk::HopAnswer;

/// The policy, and the real connections and waiters behind the names that it gives them.
pub(super) struct State {
    policy: Policy<Key, DialError, RandomState>,
    slots: BTreeMap<ConnectionId, Slot>,
    waiters: BTreeMap<TicketId, oneshot::Sender<Answer>>,
    /// The request that is being looked at.
    cause: Option<Key>,
    /// The newest certificate that a request was made with.
    generation: u64,
    /// When the timer wakes up.
    armed: Option<Instant>,
    is_draining: bool,
    monitor: Monitor,
    told: Vec<PoolEvent>,
    discarded: Vec<Slot>,
    totals: PoolStats,
}

/// A connection that the policy knows.
pub(super) struct Slot {
    link: Option<PooledLink>,
    /// Dropped, it asks the connection's task for a goodbye; used, for an end.
    cut: oneshot::Sender<()>,
    is_spread: bool,
}

/// A connection that is up, and how the tunnel under it was answered.
#[derive(Clone)]
pub(super) struct PooledLink {
    pub(super) link: Link,
    pub(super) answers: Arc<[HopAnswer]>,
    pub(super) unanswered: Unanswered,
}

impl PooledLink {
    pub(super) fn new(link: Link, answers: Vec<HopAnswer>) -> Self {
        Self {
            link,
            answers: answers.into(),
            unanswered: Unanswered::default(),
        }
    }
}

/// What a request finds.
pub(super) enum Found {
    Ready(TicketId, ConnectionId, PooledLink),
    Waiting(TicketId, oneshot::Receiver<Answer>),
}

impl State {
    pub(super) fn new(config: PoolConfig, monitor: Monitor) -> Self {
        Self {
            policy: Policy::new(config),
            slots: BTreeMap::new(),
            waiters: BTreeMap::new(),
            cause: None,
            generation: 0,
            armed: None,
            is_draining: false,
            monitor,
            told: Vec::new(),
            discarded: Vec::new(),
            totals: PoolStats::default(),
        }
    }

    pub(super) fn stats(&self) -> PoolStats {
        let counts = self.policy.counts();
        PoolStats {
            keys: counts.keys,
            dialling: counts.dialling,
            open: counts.open,
            draining: counts.draining,
            streams: counts.streams,
            waiting: counts.waiting,
            ..self.totals
        }
    }

    /// Whether the pool drains and nothing is left of it.
    pub(super) fn is_drained(&self) -> bool {
        self.is_draining && self.totals.tasks == 0 && self.policy.is_drained()
    }

    pub(super) fn connected(
        &mut self,
        connection: ConnectionId,
        key: &Key,
        link: PooledLink,
        streams: Option<u32>,
        now: Instant,
    ) {
        // A connection that the pool has given up meanwhile has no slot, and its task is about to hear of it.
        let Some(slot) = self.slots.get_mut(&connection) else {
            return;
        };
        let peer = link.link.peer().clone();
        slot.link = Some(link);
        self.totals.handshakes += 1;
        let up = self.policy.handle_connected(connection, entropy(), now);
        debug_assert_eq!(up, Ok(()));
        self.set_streams(connection, streams, now);
        self.tell(|| PoolEvent::Connected {
            address: key.address(),
            level: key.level(),
            peer,
        });
    }

    /// The connection is made inside the tunnel of this ticket.
    pub(super) fn carried(&mut self, connection: ConnectionId, by: TicketId) {
        let known = self.policy.handle_carried(connection, by);
        debug_assert_eq!(known, Ok(()));
    }

    pub(super) fn dial_failed(
        &mut self,
        connection: ConnectionId,
        key: &Key,
        error: DialError,
        now: Instant,
    ) {
        if let Some(slot) = self.slots.remove(&connection) {
            self.discarded.push(slot);
            self.totals.dials_failed += 1;
            self.tell(|| PoolEvent::DialFailed {
                address: key.address(),
                level: key.level(),
                error: error.clone(),
            });
            let failed = self
                .policy
                .handle_dial_failed(connection, error, entropy(), now);
            debug_assert_eq!(failed, Ok(()));
        }
    }

    pub(super) fn set_streams(
        &mut self,
        connection: ConnectionId,
        streams: Option<u32>,
        now: Instant,
    ) {
        let known = self.policy.handle_settings(connection, streams, now);
        debug_assert_eq!(known, Ok(()));
    }

    pub(super) fn going_away(&mut self, connection: ConnectionId, now: Instant) {
        let known = self.policy.handle_goaway(connection, now);
        debug_assert_eq!(known, Ok(()));
    }

    /// The task of a connection is over; `unfinished` is what it was if it had not come to anything.
    pub(super) fn task_ended(
        &mut self,
        connection: ConnectionId,
        unfinished: DialError,
        now: Instant,
    ) {
        self.totals.tasks -= 1;
        let is_up = match self.slots.get(&connection) {
            Some(slot) => slot.link.is_some(),
            None => return,
        };
        let known = if is_up {
            self.lose(connection, now)
        } else {
            self.discarded.extend(self.slots.remove(&connection));
            self.policy
                .handle_dial_failed(connection, unfinished, entropy(), now)
        };
        debug_assert_eq!(known, Ok(()));
    }

    pub(super) fn end_stream(
        &mut self,
        ticket: TicketId,
        connection: ConnectionId,
        end: StreamEnd,
        now: Instant,
    ) {
        let known = match end {
            StreamEnd::Answered => self.policy.handle_stream_ended(ticket, now),
            StreamEnd::GoingAway => self.policy.handle_goaway(connection, now),
            StreamEnd::Lost => self.lose(connection, now),
            StreamEnd::Refused => self.policy.handle_stream_refused(ticket, now),
            StreamEnd::Unanswered => Ok(()),
        };
        debug_assert_eq!(known, Ok(()));
        // Harmless where the ticket has ended already.
        self.policy.cancel(ticket, now);
        self.tell(|| PoolEvent::StreamEnded);
    }

    /// Whoever waits with this ticket does so no more. If it was answered meanwhile, the answer is on its way.
    pub(super) fn give_up(&mut self, ticket: TicketId, now: Instant) {
        if self.waiters.remove(&ticket).is_some() {
            self.policy.cancel(ticket, now);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.policy.handle_timeout(now);
    }

    /// Asks for a stream.
    pub(super) fn check_out(
        &mut self,
        key: Key,
        spread: Option<Spread>,
        now: Instant,
    ) -> Result<Found, Failure<DialError>> {
        if key.generation() != self.generation {
            self.generation = key.generation();
            self.policy
                .retire(|old| old.generation() != key.generation(), now);
        }
        self.totals.requests += 1;
        let found = match spread {
            Some(spread) => self.policy.request_spread(&key, spread, now),
            None => self.policy.request(&key, now),
        };
        self.cause = Some(key);
        match found? {
            Checkout::Ready { ticket, connection } => {
                let Some(on) = self.link(connection) else {
                    self.policy.cancel(ticket, now);
                    return Err(Failure::Draining);
                };
                self.totals.reused += 1;
                self.tell(|| PoolEvent::StreamStarted { reused: true });
                Ok(Found::Ready(ticket, connection, on))
            }
            waiting => {
                let (waiter, answer) = oneshot::channel();
                self.waiters.insert(waiting.ticket(), waiter);
                Ok(Found::Waiting(waiting.ticket(), answer))
            }
        }
    }

    /// Opens nothing new from now on.
    pub(super) fn drain(&mut self, now: Instant) {
        self.is_draining = true;
        self.policy.drain(now);
    }

    /// Breaks every connection.
    pub(super) fn cut_all(&mut self, now: Instant) {
        for (connection, mut slot) in std::mem::take(&mut self.slots) {
            if slot.link.take().is_some() {
                let known = self.policy.handle_closed(connection, now);
                debug_assert_eq!(known, Ok(()));
            }
            // It has ended by itself if it does not listen.
            let _ = slot.cut.send(());
        }
    }

    /// Collects what follows from what was done.
    pub(super) fn settle(&mut self, errands: &mut Vec<Errand>) {
        let cause = self.cause.take();
        while let Some(action) = self.policy.poll_action() {
            match action {
                Action::Assign { ticket, connection } => {
                    if let (Some(waiter), Some(on)) =
                        (self.waiters.remove(&ticket), self.link(connection))
                    {
                        self.tell(|| PoolEvent::StreamStarted { reused: false });
                        errands.push(Errand::Grant(waiter, ticket, connection, on));
                    }
                }
                Action::Close { connection, reason } => {
                    self.tell(|| PoolEvent::Closed { reason });
                    self.discarded.extend(self.slots.remove(&connection));
                }
                Action::Dial { connection, key } => {
                    let key = match &cause {
                        Some(cause) if *cause == key => cause.clone(),
                        _ => key.for_nobody(),
                    };
                    errands.push(self.dial(connection, key));
                }
                Action::Fail { ticket, failure } => {
                    if let Some(waiter) = self.waiters.remove(&ticket) {
                        errands.push(Errand::Fail(waiter, failure));
                    }
                }
                _ => {}
            }
        }
        errands.extend(self.discarded.drain(..).map(Errand::Discard));
        errands.extend(self.told.drain(..).map(Errand::Tell));
    }

    /// Whether the timer has to wake up earlier than it is about to.
    pub(super) fn is_due_earlier(&self) -> bool {
        let due = self.policy.poll_timeout();
        due.is_some_and(|due| self.armed.is_none_or(|armed| due < armed))
    }

    pub(super) fn arm(&mut self) -> Option<Instant> {
        self.armed = self.policy.poll_timeout();
        self.armed
    }

    fn dial(&mut self, connection: ConnectionId, key: Key) -> Errand {
        let (cut, is_cut) = oneshot::channel();
        let slot = Slot {
            link: None,
            cut,
            is_spread: key.level() > 0,
        };
        self.slots.insert(connection, slot);
        self.totals.dials += 1;
        self.totals.tasks += 1;
        self.tell(|| PoolEvent::Dialling {
            address: key.address(),
            level: key.level(),
        });
        Errand::Dial(connection, key, is_cut)
    }

    /// A connection has ended by no choice of ours. If a CONNECT or keepalive has found it dead, others to the same peer are likely
    /// to be so too, and none of them is to be what the CONNECT is repeated on; those of a spread lead to different peers.
    fn lose(&mut self, connection: ConnectionId, now: Instant) -> Result<(), ApiMisuse> {
        let Some(slot) = self.slots.remove(&connection) else {
            return Ok(());
        };
        self.totals.lost += 1;
        self.tell(|| PoolEvent::Lost);
        let found_dead = slot
            .link
            .as_ref()
            .is_some_and(|on| on.unanswered.is_any() || on.link.was_given_up());
        let is_spread = slot.is_spread;
        self.discarded.push(slot);
        if found_dead && !is_spread {
            self.policy.handle_unresponsive(connection, now)
        } else {
            self.policy.handle_closed(connection, now)
        }
    }

    fn link(&self, connection: ConnectionId) -> Option<PooledLink> {
        self.slots.get(&connection)?.link.clone()
    }

    fn tell(&mut self, event: impl FnOnce() -> PoolEvent) {
        if self.monitor.is_watched() {
            self.told.push(event());
        }
    }
}

/// What jitter is chosen by: a fresh seed of the standard library, which takes its randomness from the system.
fn entropy() -> u64 {
    RandomState::new().build_hasher().finish()
}
