use std::time::{Duration, Instant};

use hbone::{Authority, Cut, Reason, TunnelError};

use super::{Event, TunnelInfo, TunnelSummary, Watch};
use crate::deadline::now;

/// What one tunnel has done. Bytes are counted in plain figures of its own, which go to the common ones every now and then.
#[derive(Debug)]
pub(crate) struct TunnelLog {
    watch: Watch,
    stream: u32,
    /// `None` if nobody wants to know.
    authority: Option<Authority>,
    since: Instant,
    received: u64,
    sent: u64,
    /// How much of either is in the common figures.
    reported: (u64, u64),
    stalls: u64,
    stalled: Duration,
    waiting_since: Option<Instant>,
    is_closed: bool,
}

/// How much a tunnel may have moved that is not in the common figures.
const UNREPORTED: u64 = 1 << 20;

impl TunnelLog {
    pub(super) fn new(watch: Watch, stream: u32, authority: Option<Authority>) -> Self {
        Self {
            watch,
            stream,
            authority,
            since: now(),
            received: 0,
            sent: 0,
            reported: (0, 0),
            stalls: 0,
            stalled: Duration::ZERO,
            waiting_since: None,
            is_closed: false,
        }
    }

    pub(crate) fn info(&self) -> TunnelInfo {
        self.watch.tunnel(self.stream)
    }

    /// So many bytes were read.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.received += bytes as u64;
        if self.received - self.reported.0 >= UNREPORTED {
            self.report();
        }
    }

    /// So many bytes were written.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        if self.sent - self.reported.1 >= UNREPORTED {
            self.report();
        }
    }

    /// A writer has to wait for room.
    pub(crate) fn waits(&mut self) {
        if self.waiting_since.is_none() {
            self.stalls += 1;
            self.watch.counters().stalls.increment();
            self.waiting_since = Some(now());
        }
    }

    /// It has waited long enough, if it has.
    pub(crate) fn goes_on(&mut self) {
        if let Some(since) = self.waiting_since.take() {
            let waited = now().saturating_duration_since(since);
            self.stalled += waited;
            let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
            self.watch.counters().stalled_nanos.add(nanos);
            let tunnel = self.watch.tunnel(self.stream);
            self.watch.tell(|| Event::WindowStalled { tunnel, waited });
        }
    }

    /// The peer reset it.
    pub(crate) fn reset_received(&self, reason: Reason) {
        self.watch.reset_received(self.stream, reason);
    }

    /// We reset it.
    pub(crate) fn reset_sent(&self, reason: Reason) {
        self.watch.reset_sent(self.stream, reason);
    }

    /// Both halves are over. Only the first end counts.
    pub(crate) fn closed(&mut self, end: Result<(), TunnelError>) {
        if std::mem::replace(&mut self.is_closed, true) {
            return;
        }
        self.goes_on();
        self.report();
        self.watch.counters().tunnels_closed.increment();
        if end.is_err() {
            self.watch.counters().tunnels_broken.increment();
        }
        let tunnel = self.watch.tunnel(self.stream);
        if let Some(authority) = self.authority.take() {
            self.watch.tell(|| Event::TunnelClosed {
                tunnel,
                summary: TunnelSummary {
                    peer: self.watch.peer().clone(),
                    authority,
                    received: self.received,
                    sent: self.sent,
                    lived: now().saturating_duration_since(self.since),
                    stalls: self.stalls,
                    stalled: self.stalled,
                    end,
                },
            });
        }
    }

    fn report(&mut self) {
        let counters = self.watch.counters();
        counters.bytes_received.add(self.received - self.reported.0);
        counters.bytes_sent.add(self.sent - self.reported.1);
        self.reported = (self.received, self.sent);
    }
}

impl Drop for TunnelLog {
    fn drop(&mut self) {
        self.closed(Err(TunnelError::Cut(Cut::Abandoned)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use allocation_counter::measure;
    use hbone::{Identity, Role};

    use super::super::Monitor;
    use super::*;

    fn opened(monitor: &Monitor) -> TunnelLog {
        let peer = Identity::parse("spiffe://cluster.local/ns/a/sa/b").expect("an identity");
        let open = monitor.handshake(Role::Client, None).done(&peer);
        let authority = "shop.example:80".parse().expect("an authority");
        open.watch().request(1, &authority).opened()
    }

    #[test]
    fn a_tunnel_that_nobody_observes_costs_no_allocation() {
        let monitor = Monitor::default();
        let mut log = opened(&monitor);
        let watch = log.watch.clone();
        let authority = "shop.example:80".parse().expect("an authority");
        let used = measure(|| {
            for _ in 0..10_000 {
                log.received(1000);
                log.sent(1);
                log.waits();
                log.goes_on();
            }
            log.reset_sent(Reason::CANCEL);
            log.closed(Ok(()));
            drop(watch.request(3, &authority).opened());
        });
        assert_eq!(used.count_total, 0);
        assert_eq!(monitor.stats().bytes_received, 10_000_000);
    }

    #[test]
    fn bytes_are_in_the_common_figures_after_a_mebibyte_and_all_of_them_at_the_end() {
        let monitor = Monitor::default();
        let mut log = opened(&monitor);
        log.sent((1 << 20) - 1);
        assert_eq!(monitor.stats().bytes_sent, 0);
        log.sent(1);
        assert_eq!(monitor.stats().bytes_sent, 1 << 20);
        log.sent(5);
        log.received(7);
        drop(log);
        let stats = monitor.stats();
        assert_eq!((stats.bytes_sent, stats.bytes_received), ((1 << 20) + 5, 7));
        assert_eq!((stats.tunnels, stats.tunnels_broken), (0, 1));
    }

    #[test]
    fn only_the_first_end_of_a_tunnel_is_told() {
        let ends = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&ends);
        let monitor = Monitor::telling(move |event: &Event| {
            if let Event::TunnelClosed { summary, .. } = event {
                told.lock().expect("no panic").push(summary.end);
            }
        });
        let mut log = opened(&monitor);
        log.closed(Ok(()));
        log.closed(Err(TunnelError::Trailers));
        drop(log);
        assert_eq!(*ends.lock().expect("no panic"), [Ok(())]);
    }
}
