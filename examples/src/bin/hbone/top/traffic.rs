use std::collections::BTreeMap;

use hbone_examples::exposition::{ExpositionError, samples};

/// Between whom, and who counts it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) reporter: String,
    pub(super) source: String,
    pub(super) destination: String,
    pub(super) service: String,
}

/// What was counted since the proxy began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// Connections begun.
    pub(super) opened: f64,
    /// Connections ended.
    pub(super) closed: f64,
    /// Connections that came to nothing, or ended other than by themselves.
    pub(super) failed: f64,
    /// HTTP requests.
    pub(super) requests: f64,
    /// Bytes towards the source.
    pub(super) sent: f64,
    /// Bytes from the source.
    pub(super) received: f64,
}

/// What a proxy has counted, by who talked to whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic(pub(super) BTreeMap<Pair, Counts>);

impl Traffic {
    /// Reads the standard metrics of Istio's proxies; others are skipped.
    pub(super) fn parse(text: &str) -> Result<Self, ExpositionError> {
        let mut all = Self::default();
        for sample in samples(text) {
            let sample = sample?;
            let label = |name: &str| {
                sample
                    .labels
                    .get(name)
                    .map(String::as_str)
                    .unwrap_or_default()
            };
            let is_broken = !matches!(label("response_flags"), "" | "-");
            let mut counted = Counts::default();
            match sample.name {
                "istio_tcp_connections_opened_total" => counted.opened = sample.value,
                "istio_tcp_connections_closed_total" => {
                    counted.closed = sample.value;
                    counted.failed = if is_broken { sample.value } else { 0.0 };
                }
                // Our proxies tell apart the two: those that never came about, and those that broke off.
                "istio_tcp_connections_failed_total" | "hbone_connections_broken_total" => {
                    counted.failed = sample.value;
                }
                "istio_tcp_sent_bytes_total" => counted.sent = sample.value,
                "istio_tcp_received_bytes_total" => counted.received = sample.value,
                "istio_requests_total" => {
                    counted.requests = sample.value;
                    counted.failed = if is_broken { sample.value } else { 0.0 };
                }
                _ => continue,
            }
            let pair = Pair {
                reporter: label("reporter").to_owned(),
                source: party(label, "source"),
                destination: party(label, "destination"),
                service: label("destination_service").to_owned(),
            };
            all.0.entry(pair).or_default().add(counted);
        }
        Ok(all)
    }
}

impl Counts {
    fn add(&mut self, more: Self) {
        *self = self.with(more, |a, b| a + b);
    }

    /// What was added to `before`; a proxy that began anew counts from nothing.
    pub(super) fn since(self, before: Self) -> Self {
        self.with(
            before,
            |now, before| if now < before { now } else { now - before },
        )
    }

    pub(super) fn per(self, seconds: f64) -> Self {
        self.with(self, |count, _| count / seconds)
    }

    /// Connections that are still there.
    pub(super) fn open(self) -> f64 {
        let open = self.opened - self.closed;
        // Unlike `max`, this leaves what is no number as it is.
        if open < 0.0 { 0.0 } else { open }
    }

    fn with(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            opened: of(self.opened, other.opened),
            closed: of(self.closed, other.closed),
            failed: of(self.failed, other.failed),
            requests: of(self.requests, other.requests),
            sent: of(self.sent, other.sent),
            received: of(self.received, other.received),
        }
    }
}

/// A party as `namespace/workload`, and `@cluster` if it is known.
fn party<'a>(label: impl Fn(&str) -> &'a str, side: &str) -> String {
    let workload = label(&format!("{side}_workload"));
    let namespace = label(&format!("{side}_workload_namespace"));
    let cluster = label(&format!("{side}_cluster"));
    let name = match (workload, namespace) {
        ("" | "unknown", "" | "unknown") => "unknown".to_owned(),
        (workload, namespace) => format!("{namespace}/{workload}"),
    };
    match cluster {
        "" | "unknown" => name,
        cluster => format!("{name}@{cluster}"),
    }
}
