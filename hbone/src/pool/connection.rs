use std::time::{Duration, Instant};

use super::CloseReason;
use super::heap::Place;
use super::id::Id;
use super::list::{Links, List};
use super::ticket::Ticket;

/// One connection, from the decision to dial it to the end of its last stream.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) key: Id,
    pub(super) state: ConnectionState,
    /// Streams handed out and not ended.
    pub(super) active: u32,
    /// Streams that it may carry at once, by the peer and by us.
    pub(super) limit: u32,
    /// The first SETTINGS allowed no stream at all, and nothing has changed since.
    pub(super) starved: bool,
    /// The peer refused a stream, and nothing has changed since.
    pub(super) refusing: bool,
    /// A stream on it has ended in an orderly way.
    pub(super) proven: bool,
    /// Its share under a spread is nearly used up: a successor is wanted.
    pub(super) ripe: bool,
    /// The one that it is made inside of takes no more streams.
    pub(super) stranded: bool,
    /// Requests that it may still take under a spread.
    pub(super) budget: u32,
    /// When it was last chosen, as its key counts.
    pub(super) turn: u64,
    pub(super) entropy: u64,
    pub(super) dialled_at: Instant,
    pub(super) up_since: Option<Instant>,
    /// When it stops taking streams.
    pub(super) retires_at: Option<Instant>,
    pub(super) idle_since: Option<Instant>,
    pub(super) idle_timeout: Duration,
    /// Tickets whose grant is not told yet.
    pub(super) granted: List<Ticket>,
    /// Tickets with a stream that another connection is made inside of.
    pub(super) carrying: List<Ticket>,
    /// Among all connections of its key.
    pub(super) siblings: Links,
    /// Among those of all keys that carry nothing.
    pub(super) idle: Links,
    /// Among those of all keys that take streams.
    pub(super) turns: Links,
    pub(super) choice: Place,
    pub(super) timer: Place,
}

impl Connection {
    pub(super) const fn new(key: Id, now: Instant) -> Self {
        Self {
            key,
            state: ConnectionState::Dialling { announced: false },
            active: 0,
            limit: 0,
            starved: false,
            refusing: false,
            proven: false,
            ripe: false,
            stranded: false,
            budget: 0,
            turn: 0,
            entropy: 0,
            dialled_at: now,
            up_since: None,
            retires_at: None,
            idle_since: None,
            idle_timeout: Duration::ZERO,
            granted: List::new(Ticket::queue),
            carrying: List::new(Ticket::queue),
            siblings: Links::new(),
            idle: Links::new(),
            turns: Links::new(),
            choice: Place::new(),
            timer: Place::new(),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.state == ConnectionState::Open && !self.refusing && self.active < self.limit
    }

    /// When it has been idle for too long, if it is idle.
    pub(super) fn idle_until(&self) -> Option<Instant> {
        self.idle_since?.checked_add(self.idle_timeout)
    }

    pub(super) const fn siblings(&mut self) -> &mut Links {
        &mut self.siblings
    }

    pub(super) const fn idle(&mut self) -> &mut Links {
        &mut self.idle
    }

    pub(super) const fn turns(&mut self) -> &mut Links {
        &mut self.turns
    }

    pub(super) const fn choice(&mut self) -> &mut Place {
        &mut self.choice
    }

    pub(super) const fn timer(&mut self) -> &mut Place {
        &mut self.timer
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionState {
    Dialling {
        /// The caller has been told to dial.
        announced: bool,
    },
    /// It takes no more streams, and closes with the last one.
    Draining(CloseReason),
    /// It is closed; only tickets refer to it.
    Gone,
    Open,
    /// It is up, but the peer's SETTINGS have not come.
    Unsettled,
}
