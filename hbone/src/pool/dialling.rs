//! Dials: when a key wants a connection, and which key gets the next slot.

use std::hash::{BuildHasher, Hash};
use std::time::Instant;

use super::{Action, CloseReason, Connection, ConnectionId, ConnectionState, Id, Pool};

/// A busy connection takes no new streams, so that its slot comes free for a key that has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yielding {
    connection: Id,
    to: Id,
}

/// Why a key wants another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// Somebody waits.
    Needed,
    /// Nobody waits yet; it is to be there in time.
    Successor,
}

impl<K: Clone + Eq + Hash, E: Clone, S: BuildHasher> Pool<K, E, S> {
    /// Dials what a key wants. Where keys wait for slots it takes one and queues again, and only when it is `served` in its turn.
    pub(super) fn grow(&mut self, key: Id, served: bool, now: Instant) {
        let mut may_dial = served || !self.is_anyone_blocked();
        while let Some(want) = self.want(key, now) {
            if !may_dial || !self.take_slot(want, now) {
                match want {
                    Want::Needed => self.block(key),
                    Want::Successor => self.unblock(key),
                }
                return;
            }
            self.dial(key, now);
            may_dial = !self.is_anyone_blocked();
        }
        self.unblock(key);
    }

    /// Gives up dials for which nobody waits any more.
    pub(super) fn give_up_unwanted(&mut self, key: Id) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        if entry.dialling == 0 || !entry.waiters.is_empty() || entry.rotation.is_some() {
            return;
        }
        let mut next = entry.connections.first();
        while let Some(id) = next {
            next = self.after_sibling(key, id);
            if matches!(self.connections.get(id), Some(dial) if matches!(dial.state, ConnectionState::Dialling { .. }))
            {
                self.close(id, CloseReason::Unwanted);
            }
        }
    }

    /// Gives the slots that are free to the keys that wait for them, in their order.
    pub(super) fn finish(&mut self, now: Instant) {
        loop {
            self.leave_stranded(now);
            while self.has_slot()
                && let Some(key) = self
                    .blocked_cold
                    .first()
                    .or_else(|| self.blocked_growing.first())
            {
                self.unblock(key);
                self.grow(key, true, now);
            }
            if self.yielding.is_some() || !self.blocked_cold.is_empty() {
                self.yield_turns(now);
            }
            // Taking turns can make a dial of somebody's needless, and so set a slot free.
            let is_settled = !self.has_slot() || !self.is_anyone_blocked();
            if is_settled && self.stranded.is_empty() {
                return;
            }
        }
    }

    /// Queues a key for a slot.
    pub(super) fn block(&mut self, key: Id) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if entry.blocked.is_listed() {
            return;
        }
        entry.is_blocked_cold = entry.open == 0 && entry.dialling == 0;
        if entry.is_blocked_cold {
            self.blocked_cold.push_back(&mut self.entries, key);
        } else {
            self.blocked_growing.push_back(&mut self.entries, key);
        }
    }

    pub(super) fn unblock(&mut self, key: Id) {
        match self.entries.get(key) {
            Some(entry) if entry.blocked.is_listed() => {
                if entry.is_blocked_cold {
                    self.blocked_cold.remove(&mut self.entries, key);
                } else {
                    self.blocked_growing.remove(&mut self.entries, key);
                }
            }
            _ => {}
        }
    }

    pub(super) fn after_sibling(&mut self, key: Id, connection: Id) -> Option<Id> {
        self.entries
            .get(key)?
            .connections
            .after(&mut self.connections, connection)
    }

    fn want(&self, key: Id, now: Instant) -> Option<Want> {
        let entry = self.entries.get(key)?;
        let live = entry.open + entry.dialling;
        if live >= self.config.max_connections_per_key || self.is_draining {
            return None;
        }
        let wanted = match entry.waiters.len() {
            0 => 0,
            _ if entry.open == 0 => 1,
            _ if entry.starved > 0 => 0,
            waiting => {
                waiting.div_ceil(usize::try_from(entry.usual_limit.max(1)).unwrap_or(usize::MAX))
            }
        };
        if entry.dialling < wanted {
            return (!entry.rest.is_resting(now)).then_some(Want::Needed);
        }
        let rotation = entry.rotation.as_ref()?;
        let fresh = live - entry.ripe;
        let is_short =
            entry.open > 0 && fresh < usize::try_from(rotation.width).unwrap_or(usize::MAX);
        (is_short && rotation.is_in_use(now) && !entry.rest.is_resting(now))
            .then_some(Want::Successor)
    }

    /// Makes sure that there is a slot for a dial. Only a dial that somebody waits for drives an idle connection out.
    fn take_slot(&mut self, want: Want, now: Instant) -> bool {
        if self.live() < self.config.max_connections {
            return true;
        }
        let Some(id) = self.idle.first().filter(|_| want == Want::Needed) else {
            return false;
        };
        let Some(key) = self.connections.get(id).map(|connection| connection.key) else {
            return false;
        };
        self.close(id, CloseReason::Evicted);
        self.fail_hopeless(key, now);
        match self.entries.get(key) {
            Some(entry) if !entry.waiters.is_empty() => self.block(key),
            _ => self.forget_unused(key, now),
        }
        true
    }

    fn dial(&mut self, key: Id, now: Instant) {
        let connection = self.connections.insert(Connection::new(key, now));
        self.dialling += 1;
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.dialling += 1;
        entry
            .connections
            .push_back(&mut self.connections, connection);
        self.actions.push_back(Action::Dial {
            connection: ConnectionId(connection),
            key: entry.key.clone(),
        });
    }

    /// A key without a connection must not wait for ever while others keep theirs busy: one connection at a time is kept from
    /// taking streams for the key that waits longest, and takes them again if that key is served elsewhere or gives up.
    fn yield_turns(&mut self, now: Instant) {
        if let Some(yielding) = self.yielding {
            let is_waiting = self
                .entries
                .get(yielding.to)
                .is_some_and(|entry| entry.blocked.is_listed());
            let is_there = self.connections.get(yielding.connection).is_some();
            if is_there && is_waiting {
                return;
            }
            self.yielding = None;
            if is_there {
                self.take_turn_back(yielding.connection, now);
            }
        }
        let Some(to) = self.blocked_cold.first() else {
            return;
        };
        let Some(connection) = self.next_to_yield() else {
            return;
        };
        self.yielding = Some(Yielding { connection, to });
        let key = self
            .connections
            .get(connection)
            .map(|connection| connection.key);
        self.wind_down(connection, CloseReason::Evicted);
        if let Some(key) = key {
            self.settle(key, now);
        }
    }

    /// One that has a sibling, if there is one among the first; else the one whose turn it is.
    fn next_to_yield(&mut self) -> Option<Id> {
        let mut next = self.turns.first();
        for _ in 0..SEARCHED {
            let Some(id) = next else { break };
            let key = self.connections.get(id)?.key;
            if self.entries.get(key)?.open > 1 {
                return Some(id);
            }
            next = self.turns.after(&mut self.connections, id);
        }
        self.turns.first()
    }

    fn take_turn_back(&mut self, id: Id, now: Instant) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let key = connection.key;
        if connection.state != ConnectionState::Draining(CloseReason::Evicted) || self.is_draining {
            return;
        }
        connection.state = ConnectionState::Open;
        self.draining -= 1;
        self.open += 1;
        if let Some(entry) = self.entries.get_mut(key) {
            entry.draining -= 1;
            entry.open += 1;
            entry.ripe += usize::from(connection.ripe);
            entry.starved += usize::from(connection.starved);
        }
        self.turns.push_back(&mut self.connections, id);
        self.rank(id);
        self.watch(id, now);
        self.check_open(id, now);
        self.settle(key, now);
    }

    const fn live(&self) -> usize {
        self.dialling + self.open + self.draining
    }

    const fn has_slot(&self) -> bool {
        self.live() < self.config.max_connections || !self.idle.is_empty()
    }

    /// Whether no key waits for another one's slot.
    pub(super) const fn is_calm(&self) -> bool {
        !self.is_anyone_blocked() && self.yielding.is_none()
    }

    const fn is_anyone_blocked(&self) -> bool {
        !self.blocked_cold.is_empty() || !self.blocked_growing.is_empty()
    }
}

/// How many connections are looked at for one whose key can spare it.
const SEARCHED: usize = 8;
