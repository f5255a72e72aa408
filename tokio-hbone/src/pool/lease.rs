use std::fmt;
use std::sync::Arc;

use hbone::pool::{ConnectionId, TicketId};
use hbone::{Reason, RequestError};

use super::shared::Shared;
use super::unanswered::Unanswered;

/// The place of one stream on one connection. It is given back when this is dropped, wherever that happens.
pub(crate) struct Lease {
    shared: Arc<Shared>,
    ticket: TicketId,
    connection: ConnectionId,
    end: StreamEnd,
    unanswered: Unanswered,
    is_accepted: bool,
}

/// What the end of a stream says about its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamEnd {
    /// The peer has answered a CONNECT, so it does its work.
    Answered,
    /// The peer is closing the connection.
    GoingAway,
    /// The connection is gone.
    Lost,
    /// The peer refused the stream.
    Refused,
    /// Nothing.
    Unanswered,
}

impl Lease {
    pub(super) fn new(
        shared: Arc<Shared>,
        ticket: TicketId,
        connection: ConnectionId,
        unanswered: Unanswered,
    ) -> Self {
        unanswered.add();
        Self {
            shared,
            ticket,
            connection,
            end: StreamEnd::Unanswered,
            unanswered,
            is_accepted: false,
        }
    }

    pub(super) const fn ticket(&self) -> TicketId {
        self.ticket
    }

    /// The CONNECT opened a tunnel.
    pub(super) fn accepted(&mut self) {
        self.end = StreamEnd::Answered;
        self.unanswered.remove();
        self.is_accepted = true;
    }

    /// The CONNECT opened none.
    pub(super) fn failed(mut self, error: &RequestError) {
        self.end = match error {
            RequestError::GoingAway => StreamEnd::GoingAway,
            RequestError::CertificateRefused(_) | RequestError::Lost(_) => StreamEnd::Lost,
            RequestError::Reset(Reason::REFUSED_STREAM) => StreamEnd::Refused,
            RequestError::Refused(_) => StreamEnd::Answered,
            _ => StreamEnd::Unanswered,
        };
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (ticket, connection, end) = (self.ticket, self.connection, self.end);
        self.shared
            .with(|state, now| state.end_stream(ticket, connection, end, now));
        if !self.is_accepted {
            self.unanswered.remove();
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({:?} on {:?})", self.ticket, self.connection)
    }
}
