use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hbone::{EstablishError, Identity, Role};

use super::{ConnectionInfo, Event, Monitor, OpenConnection, Scope, Watch};
use crate::deadline::now;

/// A connection that is being made. Dropped before it has come to anything, it was abandoned.
#[derive(Debug)]
pub(crate) struct Handshake {
    monitor: Monitor,
    connection: ConnectionInfo,
    scope: Scope,
    began: Instant,
    is_over: bool,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Handshake {
    pub(super) fn begin(monitor: Monitor, role: Role, address: Option<SocketAddr>) -> Self {
        let connection = ConnectionInfo {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            role,
            address,
        };
        monitor.counters().handshakes_begun.increment();
        let scope = Scope::of_connection(&connection);
        monitor.tell(&scope, || Event::HandshakeBegan { connection });
        Self {
            monitor,
            connection,
            scope,
            began: now(),
            is_over: false,
        }
    }

    /// The connection is up.
    pub(crate) fn done(mut self, peer: &Identity) -> OpenConnection {
        self.is_over = true;
        let (connection, took) = (self.connection, self.took());
        self.scope.has_peer(peer);
        self.monitor.counters().handshakes_done.increment();
        self.monitor.tell(&self.scope, || Event::HandshakeDone {
            connection,
            peer: peer.clone(),
            took,
        });
        OpenConnection::new(Watch::new(
            self.monitor.clone(),
            self.scope.clone(),
            connection,
            peer,
        ))
    }

    /// There will be none.
    pub(crate) fn failed(mut self, error: &EstablishError) {
        self.is_over = true;
        let (connection, took) = (self.connection, self.took());
        self.monitor.counters().handshakes_failed.increment();
        self.monitor.tell(&self.scope, || Event::HandshakeFailed {
            connection,
            error: error.clone(),
            took,
        });
    }

    fn took(&self) -> Duration {
        now().saturating_duration_since(self.began)
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        if !self.is_over {
            let (connection, took) = (self.connection, self.took());
            self.monitor.counters().handshakes_abandoned.increment();
            self.monitor
                .tell(&self.scope, || Event::HandshakeAbandoned {
                    connection,
                    took,
                });
        }
    }
}
