use super::{ConnectionId, TicketId};

/// What [`Pool::request`](crate::pool::Pool::request) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "the ticket holds a stream, or a place in the queue, until it is ended"]
pub enum Checkout {
    /// A stream is free: open it now.
    Ready {
        /// Names the stream until [`handle_stream_ended`](crate::pool::Pool::handle_stream_ended).
        ticket: TicketId,
        /// Where the stream goes.
        connection: ConnectionId,
    },
    /// None is free. The ticket will be answered once, by [`Action::Assign`](crate::pool::Action::Assign) or
    /// [`Action::Fail`](crate::pool::Action::Fail), unless it is cancelled first.
    Waiting {
        /// Names the place in the queue, and later the stream.
        ticket: TicketId,
    },
}

impl Checkout {
    /// The ticket, ready or waiting.
    #[must_use]
    pub const fn ticket(self) -> TicketId {
        match self {
            Self::Ready { ticket, .. } | Self::Waiting { ticket } => ticket,
        }
    }
}
