use std::time::{Duration, Instant};

use hbone::{Authority, Cut, Reason, TunnelError};

use super::{Event, TunnelSummary, Watch};
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
