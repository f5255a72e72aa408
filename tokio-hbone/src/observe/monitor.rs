use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hbone::Role;

use super::counters::Counters;
use super::{Event, Handshake, Observer, Scope, Stats};
use crate::pool::PoolEvent;

/// What a connector or an acceptor, and all that it makes, report to.
#[derive(Clone, Default)]
pub(crate) struct Monitor(Arc<Inner>);

#[derive(Default)]
struct Inner {
    observer: Option<Box<dyn Observer>>,
    counters: Counters,
}

impl Monitor {
    /// With somebody who is told, and everything counted anew.
    pub(crate) fn telling(observer: impl Observer) -> Self {
        Self(Arc::new(Inner {
            observer: Some(Box::new(observer)),
            counters: Counters::default(),
        }))
    }

    pub(crate) fn stats(&self) -> Stats {
        self.0.counters.snapshot()
    }

    /// A connection is about to be made.
    pub(crate) fn handshake(&self, role: Role, address: Option<SocketAddr>) -> Handshake {
        Handshake::begin(self.clone(), role, address)
    }

    /// A server has no room for a client.
    pub(crate) fn turned_away(&self, address: SocketAddr) {
        self.counters().turned_away.increment();
        self.tell(&Scope::none(), || Event::TurnedAway { address });
    }

    /// A server could not accept.
    pub(crate) fn accept_failed(&self, error: &io::Error) {
        let kind = error.kind();
        self.counters().accepts_failed.increment();
        self.tell(&Scope::none(), || Event::AcceptFailed { kind });
    }

    /// Whether anybody wants to know of events.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.observer.is_some() || Scope::is_shown()
    }

    /// Something happened to the pool.
    pub(crate) fn pool(&self, event: PoolEvent) {
        self.tell(&Scope::none(), || Event::Pool(event));
    }

    /// Tells whoever wants to know. To be called without any lock held.
    pub(super) fn tell(&self, scope: &Scope, event: impl FnOnce() -> Event) {
        if !self.is_watched() {
            return;
        }
        let event = event();
        if Scope::is_shown() {
            scope.show(&event);
        }
        if let Some(observer) = &self.0.observer {
            observer.observe(&event);
        }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.0.counters
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Monitor")
    }
}
