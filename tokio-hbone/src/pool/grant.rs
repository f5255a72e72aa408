use std::sync::Arc;

use hbone::pool::{ConnectionId, Failure, TicketId};
use hbone::{Connect, DialError, RequestError, RequestLimits};
use tokio::sync::oneshot;

use super::lease::Lease;
use super::shared::Shared;
use super::state::PooledLink;
use crate::tunnel::TunnelIo;
use crate::walk::HopAnswer;

/// A stream to open, on the connection that the pool chose.
pub(super) struct Grant {
    on: PooledLink,
    lease: Lease,
}

/// How a request ends that had to wait.
pub(super) type Answer = Result<Grant, Failure<DialError>>;

impl Grant {
    pub(super) fn new(
        shared: Arc<Shared>,
        ticket: TicketId,
        connection: ConnectionId,
        on: PooledLink,
    ) -> Self {
        let lease = Lease::new(shared, ticket, connection, on.unanswered.clone());
        Self { on, lease }
    }

    /// Sends the CONNECT. The stream's place goes with the tunnel, or back to the pool.
    pub(super) async fn request(
        self,
        connect: &Connect,
        limits: RequestLimits,
    ) -> Result<(TunnelIo, Vec<HopAnswer>), RequestError> {
        let Self { on, mut lease } = self;
        match on.link.request(connect, limits).await {
            Ok(opened) => {
                lease.accepted();
                let mut answers = Vec::with_capacity(on.answers.len() + 1);
                answers.extend_from_slice(&on.answers);
                answers.push(HopAnswer {
                    peer: on.link.peer().clone(),
                    accept: opened.accept,
                    headers: opened.headers,
                });
                Ok((opened.tunnel.leased(lease), answers))
            }
            Err(error) => {
                lease.failed(&error);
                Err(error)
            }
        }
    }
}

/// A place in the queue. Dropping it gives the place up, and with it a stream that was granted but not taken.
pub(super) struct Waiting {
    shared: Arc<Shared>,
    ticket: TicketId,
    answer: oneshot::Receiver<Answer>,
}

impl Waiting {
    pub(super) const fn new(
        shared: Arc<Shared>,
        ticket: TicketId,
        answer: oneshot::Receiver<Answer>,
    ) -> Self {
        Self {
            shared,
            ticket,
            answer,
        }
    }

    pub(super) async fn answer(mut self) -> Answer {
        // The other half is dropped unused only with the whole pool.
        (&mut self.answer).await.unwrap_or(Err(Failure::Draining))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.shared
            .with(|state, now| state.give_up(self.ticket, now));
    }
}
