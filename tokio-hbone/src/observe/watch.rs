use std::sync::Arc;

use hbone::{Authority, Identity, Reason, Reject};

use super::counters::Counters;
use super::{ConnectionInfo, Event, Monitor, RequestLog, ResetCounts, Scope, TunnelInfo};

/// What is reported about one connection that is up, by it and by all that is on it.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    common: Arc<Common>,
    scope: Scope,
}

#[derive(Debug)]
struct Common {
    monitor: Monitor,
    connection: ConnectionInfo,
    peer: Identity,
}

impl Watch {
    pub(super) fn new(
        monitor: Monitor,
        scope: Scope,
        connection: ConnectionInfo,
        peer: &Identity,
    ) -> Self {
        let common = Common {
            monitor,
            connection,
            peer: peer.clone(),
        };
        Self {
            common: Arc::new(common),
            scope,
        }
    }

    /// The same, for a tunnel to `authority` alone.
    pub(super) fn of_tunnel(&self, authority: &Authority) -> Self {
        Self {
            common: Arc::clone(&self.common),
            scope: self.scope.of_tunnel(authority),
        }
    }

    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// A CONNECT came or is about to be sent; its stream is 0 as long as it has none.
    pub(crate) fn request(&self, stream: u32, authority: &Authority) -> RequestLog {
        RequestLog::begin(self.of_tunnel(authority), stream, authority)
    }

    /// A request came that is no good CONNECT, and was refused.
    pub(crate) fn request_refused(&self, stream: u32, reject: &Reject) {
        self.counters().requests.increment();
        self.counters().tunnels_failed.increment();
        let tunnel = self.tunnel(stream);
        self.tell(|| Event::TunnelRefused {
            tunnel,
            authority: None,
            reject: reject.clone(),
        });
    }

    /// The peer reset a stream.
    pub(crate) fn reset_received(&self, stream: u32, reason: Reason) {
        count(&self.counters().resets_received, reason);
        let tunnel = self.tunnel(stream);
        self.tell(|| Event::ResetReceived { tunnel, reason });
    }

    /// We reset a stream.
    pub(crate) fn reset_sent(&self, stream: u32, reason: Reason) {
        count(&self.counters().resets_sent, reason);
        let tunnel = self.tunnel(stream);
        self.tell(|| Event::ResetSent { tunnel, reason });
    }

    pub(super) fn connection(&self) -> ConnectionInfo {
        self.common.connection
    }

    pub(super) fn tunnel(&self, stream: u32) -> TunnelInfo {
        TunnelInfo {
            connection: self.connection(),
            stream,
        }
    }

    pub(super) fn peer(&self) -> &Identity {
        &self.common.peer
    }

    pub(super) fn counters(&self) -> &Counters {
        self.common.monitor.counters()
    }

    pub(super) fn is_watched(&self) -> bool {
        self.common.monitor.is_watched()
    }

    pub(super) fn tell(&self, event: impl FnOnce() -> Event) {
        self.common.monitor.tell(&self.scope, event);
    }
}

fn count(counters: &[super::counters::Counter; ResetCounts::CODES], reason: Reason) {
    if let Some(counter) = counters.get(ResetCounts::index(reason)) {
        counter.increment();
    }
}
