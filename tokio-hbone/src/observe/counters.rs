use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{ResetCounts, Stats};

/// What a [`Stats`] is read from. Everything only ever grows.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) handshakes_begun: Counter,
    pub(super) handshakes_done: Counter,
    pub(super) handshakes_failed: Counter,
    pub(super) handshakes_abandoned: Counter,
    pub(super) connections_closed: Counter,
    pub(super) connections_cut: Counter,
    pub(super) connections_lost: Counter,
    pub(super) keepalive_timeouts: Counter,
    pub(super) goaways_received: Counter,
    pub(super) goaways_sent: Counter,
    pub(super) requests: Counter,
    pub(super) tunnels_opened: Counter,
    pub(super) tunnels_failed: Counter,
    pub(super) tunnels_closed: Counter,
    pub(super) tunnels_broken: Counter,
    pub(super) bytes_received: Counter,
    pub(super) bytes_sent: Counter,
    pub(super) resets_received: [Counter; ResetCounts::CODES],
    pub(super) resets_sent: [Counter; ResetCounts::CODES],
    pub(super) stalls: Counter,
    pub(super) stalled_nanos: Counter,
    pub(super) turned_away: Counter,
    pub(super) accepts_failed: Counter,
}

impl Counters {
    pub(super) fn snapshot(&self) -> Stats {
        // What ends is read before what begins, so that nothing has ended more often than it has begun.
        let (tunnels_closed, connections_closed) =
            (self.tunnels_closed.get(), self.connections_closed.get());
        let (tunnels_opened, tunnels_failed) =
            (self.tunnels_opened.get(), self.tunnels_failed.get());
        let handshakes = self.handshakes_done.get();
        let handshakes_failed = self.handshakes_failed.get();
        let handshakes_abandoned = self.handshakes_abandoned.get();
        let since = |begun: &Counter, ended: u64| begun.get().saturating_sub(ended);
        Stats {
            handshaking: since(
                &self.handshakes_begun,
                handshakes + handshakes_failed + handshakes_abandoned,
            ),
            handshakes,
            handshakes_failed,
            handshakes_abandoned,
            connections: handshakes.saturating_sub(connections_closed),
            connections_cut: self.connections_cut.get(),
            connections_lost: self.connections_lost.get(),
            keepalive_timeouts: self.keepalive_timeouts.get(),
            goaways_received: self.goaways_received.get(),
            goaways_sent: self.goaways_sent.get(),
            connecting: since(&self.requests, tunnels_opened + tunnels_failed),
            tunnels: tunnels_opened.saturating_sub(tunnels_closed),
            tunnels_opened,
            tunnels_failed,
            tunnels_broken: self.tunnels_broken.get(),
            bytes_received: self.bytes_received.get(),
            bytes_sent: self.bytes_sent.get(),
            resets_received: read_all(&self.resets_received),
            resets_sent: read_all(&self.resets_sent),
            stalls: self.stalls.get(),
            stalled: Duration::from_nanos(self.stalled_nanos.get()),
            turned_away: self.turned_away.get(),
            accepts_failed: self.accepts_failed.get(),
        }
    }
}

fn read_all(counters: &[Counter; ResetCounts::CODES]) -> ResetCounts {
    ResetCounts::new(counters.each_ref().map(Counter::get))
}

/// A figure on which no other memory hangs.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn increment(&self) {
        self.add(1);
    }

    pub(super) fn add(&self, some: u64) {
        self.0.fetch_add(some, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
