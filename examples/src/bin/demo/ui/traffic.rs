use std::collections::BTreeMap;

use hbone_examples::exposition::{ExpositionError, samples};

use super::counts::Counts;

/// What one proxy has counted, by who talked to whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Traffic(pub(super) BTreeMap<Line, Counts>);

/// The labels that the picture is drawn from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) reporter: String,
    pub(super) source: Party,
    pub(super) destination: Party,
    /// `destination_service`.
    pub(super) service: String,
}

/// One end, as the labels have it: `unknown` where they say so.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Party {
    pub(super) cluster: String,
    pub(super) namespace: String,
    pub(super) workload: String,
    pub(super) canonical_service: String,
    pub(super) principal: String,
}

/// What a label without a value says, and what Istio writes there.
pub(super) const UNKNOWN: &str = "unknown";

impl Traffic {
    /// Reads Istio's standard metrics; others are skipped.
    pub(super) fn parse(text: &str) -> Result<Self, ExpositionError> {
        let mut all = Self::default();
        for sample in samples(text) {
            let sample = sample?;
            let label = |name: &str| sample.labels.get(name).map_or("", String::as_str);
            let is_broken = !matches!(label("response_flags"), "" | "-");
            let failed_if = |failed| if failed { sample.value } else { 0.0 };
            let mut counted = Counts::default();
            match sample.name {
                "istio_tcp_connections_opened_total" => counted.connections = sample.value,
                "istio_tcp_connections_closed_total" => counted.failed = failed_if(is_broken),
                "istio_tcp_connections_failed_total" => counted.failed = sample.value,
                "istio_tcp_sent_bytes_total" | "istio_tcp_received_bytes_total" => {
                    counted.bytes = sample.value;
                }
                "istio_requests_total" => {
                    counted.requests = sample.value;
                    counted.failed = failed_if(label("response_code").starts_with('5'));
                }
                "istio_request_bytes_sum" | "istio_response_bytes_sum" => {
                    counted.bytes = sample.value;
                }
                "istio_request_duration_milliseconds_sum" => counted.milliseconds = sample.value,
                "istio_request_duration_milliseconds_count" => counted.timed = sample.value,
                _ => continue,
            }
            let line = Line {
                reporter: label("reporter").to_owned(),
                source: Party::new(label, "source"),
                destination: Party::new(label, "destination"),
                service: known(label("destination_service")).to_owned(),
            };
            let counts = all.0.entry(line).or_default();
            *counts = counts.plus(counted);
        }
        Ok(all)
    }

    /// What was counted since `before`, a second; what stood still is left out.
    pub(super) fn rates(&self, before: &Self, seconds: f64) -> Self {
        let since = |(line, counts): (&Line, &Counts)| {
            let before = before.0.get(line).copied().unwrap_or_default();
            let rate = counts.since(before).per(seconds);
            (!rate.is_none()).then(|| (line.clone(), rate))
        };
        Self(self.0.iter().filter_map(since).collect())
    }
}

impl Party {
    fn new<'a>(label: impl Fn(&str) -> &'a str, side: &str) -> Self {
        let value = |name: &str| known(label(&format!("{side}_{name}"))).to_owned();
        Self {
            cluster: value("cluster"),
            namespace: value("workload_namespace"),
            workload: value("workload"),
            canonical_service: value("canonical_service"),
            principal: value("principal"),
        }
    }

    /// The names of the labels that should say who it is, and do not.
    pub(super) fn missing(&self) -> impl Iterator<Item = &'static str> {
        [
            ("cluster", &self.cluster),
            ("workload_namespace", &self.namespace),
            ("workload", &self.workload),
            ("canonical_service", &self.canonical_service),
        ]
        .into_iter()
        .filter(|(_, value)| *value == UNKNOWN)
        .map(|(name, _)| name)
    }

    /// Whether nobody can tell which workload it is.
    pub(super) fn is_unknown(&self) -> bool {
        self.workload == UNKNOWN
    }
}

fn known(value: &str) -> &str {
    if value.is_empty() { UNKNOWN } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# TYPE istio_tcp_connections_opened counter
istio_tcp_connections_opened_total{reporter="source",source_workload="a",source_workload_namespace="n",source_cluster="c",source_canonical_service="a",destination_workload="unknown"} 7
istio_tcp_connections_closed_total{reporter="source",source_workload="a",source_workload_namespace="n",source_cluster="c",source_canonical_service="a",destination_workload="unknown",response_flags="UF"} 2
istio_tcp_sent_bytes_total{reporter="source",source_workload="a",source_workload_namespace="n",source_cluster="c",source_canonical_service="a",destination_workload="unknown"} 100
istio_requests_total{reporter="waypoint",source_workload="a",destination_workload="b",response_code="503"} 3
istio_requests_total{reporter="waypoint",source_workload="a",destination_workload="b",response_code="200"} 4
istio_request_duration_milliseconds_bucket{reporter="waypoint",le="1"} 9
something_else{a="b"} 1
"#;

    #[test]
    fn what_several_metrics_say_of_two_parties_is_one_line() {
        let traffic = Traffic::parse(TEXT).unwrap();
        let lines: Vec<_> = traffic.0.iter().collect();
        assert_eq!(lines.len(), 2);
        let (tcp, counts) = lines[0];
        assert_eq!(
            (counts.connections, counts.failed, counts.bytes),
            (7.0, 2.0, 100.0)
        );
        assert_eq!(tcp.source.missing().count(), 0);
        let missing: Vec<_> = tcp.destination.missing().collect();
        assert_eq!(
            missing,
            [
                "cluster",
                "workload_namespace",
                "workload",
                "canonical_service"
            ]
        );
        assert!(tcp.destination.is_unknown() && !tcp.source.is_unknown());
        let (_, counts) = lines[1];
        assert_eq!((counts.requests, counts.failed), (7.0, 3.0));
    }

    #[test]
    fn a_rate_is_what_was_added_and_a_proxy_that_began_anew_counts_from_nothing() {
        let count = |value: f64| {
            Traffic::parse(&format!(
                "istio_requests_total{{source_workload=\"a\"}} {value}"
            ))
            .unwrap()
        };
        let rate = |before: f64, now: f64| {
            let rates = count(now).rates(&count(before), 2.0);
            rates.0.into_values().next().map(|counts| counts.requests)
        };
        assert_eq!(rate(10.0, 14.0), Some(2.0));
        assert_eq!(rate(10.0, 4.0), Some(2.0));
        assert_eq!(rate(10.0, 10.0), None, "what stands still is no traffic");
        let fresh = count(6.0).rates(&Traffic::default(), 2.0);
        assert_eq!(fresh.0.len(), 1, "a new series began at nothing");
    }

    #[test]
    fn what_is_no_metrics_is_refused() {
        assert!(Traffic::parse("<html>").is_err());
    }
}
