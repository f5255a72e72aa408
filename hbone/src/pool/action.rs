use super::{CloseReason, ConnectionId, Failure, TicketId};

/// What the caller of a [`Pool`](crate::pool::Pool) has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action<K, E> {
    /// Open the stream of this ticket on this connection.
    Assign {
        /// Who waited.
        ticket: TicketId,
        /// Where its stream goes.
        connection: ConnectionId,
    },
    /// Close this connection, or give up its dial. No stream is on it, the pool has forgotten it, and nothing that is reported
    /// about it later does any harm.
    Close {
        /// Which one.
        connection: ConnectionId,
        /// Why it is not wanted any more.
        reason: CloseReason,
    },
    /// Dial a connection for this key. Answered by [`handle_connected`](crate::pool::Pool::handle_connected) or
    /// [`handle_dial_failed`](crate::pool::Pool::handle_dial_failed).
    Dial {
        /// What the new connection is called from now on.
        connection: ConnectionId,
        /// Where it goes.
        key: K,
    },
    /// Tell the one who waits with this ticket that there will be no stream. The ticket has ended.
    Fail {
        /// Who waited.
        ticket: TicketId,
        /// Why there is none.
        failure: Failure<E>,
    },
}
