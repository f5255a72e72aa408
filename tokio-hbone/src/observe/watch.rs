use std::sync::Arc;

use hbone::{Authority, Identity, Reason, Reject};

use super::counters::Counters;
use super::{ConnectionInfo, Event, Monitor, RequestLog, ResetCounts, TunnelInfo};

/// What is reported about one connection that is up, by it and by all that is on it.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    monitor: Monitor,
    connection: ConnectionInfo,
    peer: Identity,
}

impl Watch {
    pub(super) fn new(monitor: Monitor, connection: ConnectionInfo, peer: &Identity) -> Self {
        Self(Arc::new(Inner {
            monitor,
            connection,
            peer: peer.clone(),
        }))
    }

    /// A CONNECT came or is about to be sent; its stream is 0 as long as it has none.
    pub(crate) fn request(&self, stream: u32, authority: &Authority) -> RequestLog {
        RequestLog::begin(self.clone(), stream, authority)
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

    /// The peer said GOAWAY.
    pub(crate) fn go_away_received(&self, reason: Reason) {
        let connection = self.connection();
        self.counters().goaways_received.increment();
        self.tell(|| Event::GoAwayReceived { connection, reason });
    }

    pub(super) fn connection(&self) -> ConnectionInfo {
        self.0.connection
    }

    pub(super) fn tunnel(&self, stream: u32) -> TunnelInfo {
        TunnelInfo {
            connection: self.connection(),
            stream,
        }
    }

    pub(super) fn peer(&self) -> &Identity {
        &self.0.peer
    }

    pub(super) fn counters(&self) -> &Counters {
        self.0.monitor.counters()
    }

    pub(super) fn has_observer(&self) -> bool {
        self.0.monitor.has_observer()
    }

    pub(super) fn tell(&self, event: impl FnOnce() -> Event) {
        self.0.monitor.tell(event);
    }
}

fn count(counters: &[super::counters::Counter; ResetCounts::CODES], reason: Reason) {
    if let Some(counter) = counters.get(ResetCounts::index(reason)) {
        counter.increment();
    }
}
