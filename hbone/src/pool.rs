//! The reuse policy of connections, with no connections in it.
//!
//! [`Pool`] is told what happens (a request, a dial's end, SETTINGS, GOAWAY, the end of a stream, time) and says what to do: use
//! this connection now, wait, dial, close. The caller holds the real connections under the ids that the pool gives out.
//!
//! ```text
//!  request(key) ──> Ready ─────────────────────────────┐
//!        └────────> Waiting ──> Assign ────────────────┤──> handle_stream_ended | handle_stream_refused | cancel
//!                         └───> Fail                   │
//!                         └───> cancel                 │     (a ticket ends exactly once)
//!
//!  Dial ──> [handle_carried] ──> handle_connected ──> handle_settings ──> streams ──> Close | handle_closed
//!     └───> handle_dial_failed                            └─> again, whenever the figure changes; handle_goaway
//!     └───> Close                                             (a connection ends exactly once)
//! ```
//!
//! After each call, [`poll_action`](Pool::poll_action) is asked until it is `None`, then [`poll_timeout`](Pool::poll_timeout) once.
//!
//! ```
//! use std::time::Instant;
//!
//! use hbone::pool::{Action, Checkout, Pool, PoolConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Instant::now();
//! let mut pool: Pool<&str, String> = Pool::new(PoolConfig::new());
//!
//! // Nothing is there yet: the request waits, and a connection is dialled.
//! let first = pool.request(&"10.0.0.7:15008", now)?.ticket();
//! let Some(Action::Dial { connection, .. }) = pool.poll_action() else { panic!() };
//! pool.handle_connected(connection, 4, now)?;
//! pool.handle_settings(connection, Some(100), now)?;
//! assert_eq!(pool.poll_action(), Some(Action::Assign { ticket: first, connection }));
//!
//! // The next one shares it at once.
//! let second = pool.request(&"10.0.0.7:15008", now)?;
//! assert!(matches!(second, Checkout::Ready { connection: shared, .. } if shared == connection));
//! pool.handle_stream_ended(second.ticket(), now)?;
//! # Ok(())
//! # }
//! ```

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::time::Instant;

mod action;
mod checkout;
mod close_reason;
mod closing;
mod connection;
mod counts;
mod dialling;
mod entry;
mod failure;
mod handling;
mod heap;
mod id;
mod list;
mod pool_config;
mod rest;
mod riding;
mod rotation;
mod serving;
mod slab;
mod spending;
mod spread;
mod ticket;
mod timing;

pub use action::Action;
pub use checkout::Checkout;
pub use close_reason::CloseReason;
use connection::{Connection, ConnectionState};
pub use counts::Counts;
use dialling::Yielding;
use entry::Entry;
pub use failure::Failure;
use heap::Heap;
use id::Id;
pub use id::{ConnectionId, TicketId};
use list::List;
pub use pool_config::PoolConfig;
use rotation::Rotation;
use slab::Slab;
pub use spread::Spread;
use ticket::{Ticket, TicketState};

/// How [`Pool`] hashes its keys unless told otherwise: without a seed, so that a run can be repeated.
///
/// Where a peer can choose many keys, give [`Pool::with_hasher`] a seeded one.
pub type FixedState = BuildHasherDefault<DefaultHasher>;

/// Decides which connection a request uses, when one is dialled, and when one is closed.
///
/// `K` says who is reached and as whom; two requests share a connection only if their keys are equal. `E` is what a failed dial
/// reports; everyone who waited for it gets a clone. What it promises:
///
/// - A connection never carries more streams than the peer allows now and the configuration allows at all.
/// - A ticket is answered once, by its deadline at the latest. Those who wait for one key are served in order.
/// - A cold key is dialled once, however many ask. Once the peer's limit is known there are as many dials as the waiters need.
/// - When a dial fails and no other connection is left, all who wait fail with it, and the key rests before the next dial.
/// - Keys that find no slot are served in order; a connection without a stream gives way to them.
///
/// A request to a warm key costs O(1) and allocates nothing; one that waits costs O(log n) in the number of timers.
///
/// Specification: HBONE-T-010, HBONE-C-010, HBONE-D-008, HBONE-R-001, HBONE-R-004, HBONE-R-007.
pub struct Pool<K, E, S = FixedState> {
    config: PoolConfig,
    index: HashMap<K, Id, S>,
    entries: Slab<Entry<K, E>>,
    connections: Slab<Connection>,
    tickets: Slab<Ticket>,
    actions: VecDeque<Action<K, E>>,
    /// Tickets that wait, or whose grant is not told yet, in the order of their deadlines.
    clock: List<Ticket>,
    /// Connections that carry nothing, the longest idle first.
    idle: List<Connection>,
    /// Connections that take streams; the first is the next to give way.
    turns: List<Connection>,
    /// Keys without a connection that find no slot for one.
    blocked_cold: List<Entry<K, E>>,
    /// Keys that want another connection and find no slot for it.
    blocked_growing: List<Entry<K, E>>,
    /// Connections whose carrier leaves, and that have yet to leave with it.
    stranded: Vec<Id>,
    yielding: Option<Yielding>,
    timers: Heap<Connection, Instant>,
    key_timers: Heap<Entry<K, E>, Instant>,
    dialling: usize,
    open: usize,
    draining: usize,
    streams: usize,
    waiting: usize,
    is_draining: bool,
}

impl<K: Clone + Eq + Hash, E: Clone, S: BuildHasher> Pool<K, E, S> {
    /// An empty pool.
    #[must_use]
    pub fn new(config: PoolConfig) -> Self
    where
        S: Default,
    {
        Self::with_hasher(config, S::default())
    }

    /// An empty pool that hashes keys in this way.
    #[must_use]
    pub fn with_hasher(config: PoolConfig, hasher: S) -> Self {
        Self {
            config,
            index: HashMap::with_hasher(hasher),
            entries: Slab::new(),
            connections: Slab::new(),
            tickets: Slab::new(),
            actions: VecDeque::new(),
            clock: List::new(Ticket::clock),
            idle: List::new(Connection::idle),
            turns: List::new(Connection::turns),
            blocked_cold: List::new(Entry::blocked),
            blocked_growing: List::new(Entry::blocked),
            stranded: Vec::new(),
            yielding: None,
            timers: Heap::new(Connection::timer),
            key_timers: Heap::new(Entry::timer),
            dialling: 0,
            open: 0,
            draining: 0,
            streams: 0,
            waiting: 0,
            is_draining: false,
        }
    }

    /// What the whole pool holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            keys: self.entries.len(),
            dialling: self.dialling,
            open: self.open,
            draining: self.draining,
            streams: self.streams,
            waiting: self.waiting,
        }
    }

    /// What the pool holds for one key.
    #[must_use]
    pub fn counts_of(&self, key: &K) -> Counts {
        let Some(entry) = self.index.get(key).and_then(|id| self.entries.get(*id)) else {
            return Counts::default();
        };
        Counts {
            keys: 1,
            dialling: entry.dialling,
            open: entry.open,
            draining: entry.draining,
            streams: entry.streams,
            waiting: entry.waiters.len(),
        }
    }

    /// Whether [`drain`](Self::drain) was called, and no stream and no connection is left.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.is_draining && self.connections.len() == 0 && self.tickets.len() == 0
    }

    /// Asks for a stream to `key`.
    ///
    /// # Errors
    /// If it is clear at once that there will be none: the last dial has just failed, too many wait, or the pool drains.
    pub fn request(&mut self, key: &K, now: Instant) -> Result<Checkout, Failure<E>> {
        if self.is_draining {
            return Err(Failure::Draining);
        }
        let key = self.enter(key);
        self.check_out(key, now)
    }

    /// Asks for a stream to `key`, which stands for many endpoints. The spread given last holds for the key.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn request_spread(
        &mut self,
        key: &K,
        spread: Spread,
        now: Instant,
    ) -> Result<Checkout, Failure<E>> {
        if self.is_draining {
            return Err(Failure::Draining);
        }
        let key = self.enter(key);
        self.set_spread(key, spread, now);
        self.check_out(key, now)
    }

    /// Nobody wants the answer or the stream of this ticket any more; it has ended. `false` if it had ended before, which is no
    /// mistake.
    pub fn cancel(&mut self, ticket: TicketId, now: Instant) -> bool {
        let Some(state) = self.tickets.get(ticket.0).map(|ticket| ticket.state) else {
            return false;
        };
        match state {
            TicketState::Failing => drop(self.tickets.remove(ticket.0)),
            TicketState::Granted(connection) | TicketState::Streaming(connection) => {
                self.end_stream(ticket.0, connection, false, now);
            }
            TicketState::Waiting => self.leave_queue(ticket.0, now),
        }
        true
    }

    /// No connection of the chosen keys takes another stream, and dials to them are begun anew: a certificate was rotated or
    /// revoked, an endpoint is gone. What was known of their failures is forgotten. Costs O(n) in the number of keys.
    pub fn retire(&mut self, chosen: impl FnMut(&K) -> bool, now: Instant) {
        self.leave_chosen(chosen, now);
        self.finish(now);
    }

    /// Opens nothing new from now on: everyone who waits fails, dials are given up, connections close as their last stream ends.
    pub fn drain(&mut self, now: Instant) {
        self.is_draining = true;
        self.leave_all(now);
    }

    /// What to do next, in order; `None` when there is nothing. Ask after every other call, until it is `None`.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action<K, E>> {
        while let Some(action) = self.actions.pop_front() {
            if self.announce(&action) {
                return Some(action);
            }
        }
        None
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). May change with every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waiter = self
            .clock
            .first()
            .and_then(|ticket| self.tickets.get(ticket)?.deadline);
        let connection = self.timers.peek().map(|(at, _)| at);
        let key = self.key_timers.peek().map(|(at, _)| at);
        [waiter, connection, key].into_iter().flatten().min()
    }
}

impl<K, E, S> fmt::Debug for Pool<K, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("keys", &self.entries.len())
            .field("dialling", &self.dialling)
            .field("open", &self.open)
            .field("draining", &self.draining)
            .field("streams", &self.streams)
            .field("waiting", &self.waiting)
            .field("is_draining", &self.is_draining)
            .finish_non_exhaustive()
    }
}
