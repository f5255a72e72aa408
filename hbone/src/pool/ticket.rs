use std::time::Instant;

use super::id::Id;
use super::list::Links;

/// A request, from its arrival to the end of its stream.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) key: Id,
    pub(super) state: TicketState,
    /// When it fails if it still waits; `None` is never.
    pub(super) deadline: Option<Instant>,
    /// The connection that is made inside its stream, if there is one and that has yet to hear that the stream's leaves.
    pub(super) rider: Option<Id>,
    /// Among those who wait for the same key, whose grants on one connection are not told yet, or whose streams on it carry others.
    pub(super) queue: Links,
    /// Among all who wait, in the order of their deadlines.
    pub(super) clock: Links,
}

impl Ticket {
    pub(super) const fn queue(&mut self) -> &mut Links {
        &mut self.queue
    }

    pub(super) const fn clock(&mut self) -> &mut Links {
        &mut self.clock
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TicketState {
    /// Its failure is decided; the caller has yet to be told.
    Failing,
    /// It has a stream on this connection; the caller has yet to be told.
    Granted(Id),
    /// It has a stream on this connection.
    Streaming(Id),
    Waiting,
}
