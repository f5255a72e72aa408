use std::sync::{Mutex, PoisonError};

use peer_meta::labels::{HttpLabels, HttpOutcome, LabelDialect, Report, SeriesGuard};
use peer_meta::{DestinationService, Exchange};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::series::RequestSeries;
use super::{MOST, MOST_PER_PEER, talker};
use crate::access_log::Passed;

/// What became of a request.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is filled where a request ends"
)]
pub struct RequestReport<'a> {
    /// The service that it was for.
    pub service: Option<&'a DestinationService>,
    /// Its status.
    pub outcome: HttpOutcome,
    /// Why it has that, in Envoy's letters; `-` without.
    pub flags: &'a str,
    /// How long it took, and the bodies' bytes: `sent` are the answer's.
    pub passed: Passed,
}

/// Istio's HTTP metrics.
#[derive(Debug)]
pub(super) struct Requests {
    guard: Mutex<SeriesGuard<HttpLabels>>,
    total: Family<RequestSeries, Counter>,
    milliseconds: Histograms,
    request_bytes: Histograms,
    response_bytes: Histograms,
}

type Histograms = Family<RequestSeries, Histogram, fn() -> Histogram>;

/// As Envoy has them.
const BUCKETS: [f64; 19] = [
    0.5, 1., 5., 10., 25., 50., 100., 250., 500., 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 1.8e6,
    3.6e6,
];

impl Requests {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("istio_requests", "Requests", self.total.clone());
        for (name, help, histograms) in [
            (
                "istio_request_duration_milliseconds",
                "How long requests took",
                &self.milliseconds,
            ),
            (
                "istio_request_bytes",
                "Sizes of the bodies of requests",
                &self.request_bytes,
            ),
            (
                "istio_response_bytes",
                "Sizes of the bodies of answers",
                &self.response_bytes,
            ),
        ] {
            registry.register(name, help, histograms.clone());
        }
    }

    pub(super) fn count(
        &self,
        exchange: &Exchange,
        report: &RequestReport<'_>,
        dialect: LabelDialect,
    ) {
        let labelled = Report::of(exchange)
            .with_service(report.service)
            .with_flags(report.flags);
        let labels = HttpLabels::new(&labelled, report.outcome, dialect);
        let series = {
            // Nothing under it leaves anything half-done.
            let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
            RequestSeries(match talker(exchange) {
                Some(peer) => guard.admit_from(&peer, labels, HttpLabels::folded),
                None => guard.admit(labels, HttpLabels::folded),
            })
        };
        self.total.get_or_create(&series).inc();
        let observe = |histograms: &Histograms, value| {
            histograms.get_or_create(&series).observe(value);
        };
        let passed = report.passed;
        observe(&self.milliseconds, passed.duration.as_secs_f64() * 1e3);
        observe(&self.request_bytes, as_float(passed.received));
        observe(&self.response_bytes, as_float(passed.sent));
    }
}

impl Default for Requests {
    fn default() -> Self {
        let histograms = || Histograms::new_with_constructor(|| Histogram::new(BUCKETS));
        Self {
            guard: Mutex::new(SeriesGuard::with_cap(MOST).with_share(MOST_PER_PEER)),
            total: Family::default(),
            milliseconds: histograms(),
            request_bytes: histograms(),
            response_bytes: histograms(),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of sizes is never exact to the byte"
)]
fn as_float(bytes: u64) -> f64 {
    bytes as f64
}
