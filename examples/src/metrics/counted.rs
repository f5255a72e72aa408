use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::series::Series;

/// A connection that has been counted as opened. Its end is counted when it is dropped, whatever the reason.
#[derive(Debug)]
pub struct Counted {
    sent: Counter,
    received: Counter,
    closed: Family<Series, Counter>,
    sockets: Gauge,
    series: Series,
}

impl Counted {
    pub(super) fn new(
        sent: Counter,
        received: Counter,
        closed: Family<Series, Counter>,
        sockets: Gauge,
        series: Series,
    ) -> Self {
        sockets.inc();
        Self {
            sent,
            received,
            closed,
            sockets,
            series,
        }
    }

    /// Counts bytes towards the client, which are `sent` for either reporter.
    pub fn add_sent(&self, bytes: u64) {
        self.sent.inc_by(bytes);
    }

    /// Counts bytes from the client, which are `received` for either reporter.
    pub fn add_received(&self, bytes: u64) {
        self.received.inc_by(bytes);
    }

    /// The two counters, for whoever sees the bytes: those towards the client, those from it.
    pub(super) fn counters(&self) -> (Counter, Counter) {
        (self.sent.clone(), self.received.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.sockets.dec();
        self.closed.get_or_create(&self.series).inc();
    }
}
