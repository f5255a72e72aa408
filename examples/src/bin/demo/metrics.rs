use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use peer_meta::DestinationService;
use peer_meta::Exchange;
use peer_meta::labels::{LabelDialect, Report, TcpLabels};
use serde::Serialize;
use tokio::sync::Notify;

/// Istio's TCP metrics of every proxy in the demo.
#[derive(Default)]
pub(crate) struct Metrics {
    series: Mutex<BTreeMap<TcpLabels, Counters>>,
    closed: Notify,
}

#[derive(Clone, Copy, Default)]
struct Counters {
    opened: u64,
    closed: u64,
    sent: u64,
    received: u64,
}

/// One sample, as Istio names it.
#[derive(Serialize)]
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) labels: BTreeMap<&'static str, String>,
    pub(crate) value: u64,
}

/// A connection that is being counted.
pub(crate) struct Counted<'a> {
    metrics: &'a Metrics,
    labels: TcpLabels,
}

impl Metrics {
    /// Counts a connection as opened, under the labels that its settled exchange gives.
    pub(crate) fn open(&self, exchange: &Exchange, service: &DestinationService) -> Counted<'_> {
        let report = Report::of(exchange).with_service(Some(service));
        let labels = TcpLabels::new(&report, LabelDialect::Ztunnel);
        self.update(&labels, |counters| counters.opened += 1);
        Counted {
            metrics: self,
            labels,
        }
    }

    /// Waits until every connection that was opened is closed. A client may have its last byte a moment before the proxies
    /// have counted it.
    pub(crate) async fn settled(&self) {
        loop {
            let closed = self.closed.notified();
            if self
                .lock()
                .values()
                .all(|counters| counters.opened == counters.closed)
            {
                return;
            }
            closed.await;
        }
    }

    /// Every series, the labels as they stand.
    pub(crate) fn series(&self) -> Vec<TcpLabels> {
        self.lock().keys().cloned().collect()
    }

    /// Every sample of every series.
    pub(crate) fn samples(&self) -> Vec<Sample> {
        let series = self.lock();
        let samples = series.iter().flat_map(|(labels, counters)| {
            [
                ("istio_tcp_connections_opened_total", counters.opened),
                ("istio_tcp_connections_closed_total", counters.closed),
                ("istio_tcp_sent_bytes_total", counters.sent),
                ("istio_tcp_received_bytes_total", counters.received),
            ]
            .map(|(name, value)| {
                let labels = labels
                    .iter()
                    .map(|(name, value)| (name, value.to_owned()))
                    .collect();
                Sample {
                    name,
                    labels,
                    value,
                }
            })
        });
        samples.collect()
    }

    fn update(&self, labels: &TcpLabels, change: impl FnOnce(&mut Counters)) {
        change(self.lock().entry(labels.clone()).or_default());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<TcpLabels, Counters>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted<'_> {
    /// The connection is over. `sent` are the bytes towards the client, `received` those from it, for either reporter.
    pub(crate) fn close(self, sent: u64, received: u64) {
        self.metrics.update(&self.labels, |counters| {
            counters.closed += 1;
            counters.sent += sent;
            counters.received += received;
        });
        self.metrics.closed.notify_waiters();
    }
}
