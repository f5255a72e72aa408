use std::error::Error;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::series::Series;
use super::why::{Broken, Why};

/// A connection that has been counted as opened. Its end is counted when it is dropped, whatever the reason.
#[derive(Debug)]
pub struct Counted {
    sent: Counter,
    received: Counter,
    closed: Family<Series, Counter>,
    broken: Family<Broken, Counter>,
    sockets: Gauge,
    series: Series,
}

impl Counted {
    pub(super) fn new(
        sent: Counter,
        received: Counter,
        closed: Family<Series, Counter>,
        broken: Family<Broken, Counter>,
        sockets: Gauge,
        series: Series,
    ) -> Self {
        sockets.inc();
        Self {
            sent,
            received,
            closed,
            broken,
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

    /// Says how the connection went: if it came to an error, that is counted by its kind.
    pub fn ended(&self, error: Option<&(dyn Error + 'static)>) {
        if let Some(error) = error {
            let broken = Broken::new(&self.series, Why::of(error));
            self.broken.get_or_create(&broken).inc();
        }
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
