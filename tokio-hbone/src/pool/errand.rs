use std::sync::Arc;

use hbone::DialError;
use hbone::pool::{ConnectionId, Failure, TicketId};
use tokio::sync::oneshot;

use super::dialling::{self, Running};
use super::event::PoolEvent;
use super::grant::{Answer, Grant};
use super::key::Key;
use super::shared::Shared;
use super::state::{PooledLink, Slot};
use crate::driver::Stop;

/// What is left to do once the lock of the pool is released: what wakes others, or may come back to the pool.
pub(super) enum Errand {
    Dial(ConnectionId, Key, Stop),
    Discard(Slot),
    Fail(oneshot::Sender<Answer>, Failure<DialError>),
    Grant(oneshot::Sender<Answer>, TicketId, ConnectionId, PooledLink),
    Tell(PoolEvent),
}

impl Errand {
    pub(super) fn run(self, shared: &Arc<Shared>) {
        match self {
            Self::Dial(connection, key, stop) => {
                let running = Running::new(Arc::clone(shared), connection);
                shared.spawn(dialling::run(running, key, stop));
            }
            Self::Discard(slot) => drop(slot),
            // Whoever has given up meanwhile needs no answer; a grant goes back as it is dropped.
            Self::Fail(waiter, failure) => drop(waiter.send(Err(failure))),
            Self::Grant(waiter, ticket, connection, on) => {
                let grant = Grant::new(Arc::clone(shared), ticket, connection, on);
                drop(waiter.send(Ok(grant)));
            }
            Self::Tell(event) => shared.tell(event),
        }
    }
}
