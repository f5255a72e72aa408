use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::flow::FLOWS;
use crate::scrape::Sample;
use crate::topology::{PARTIES, Protocol};
use crate::traffic::Outcome;
use crate::ui::ProxyKind;

/// Who talked to whom, as the proxies count it.
#[derive(Debug, Serialize)]
pub(crate) struct Edge {
    pub(crate) proxy: &'static str,
    pub(crate) reporter: String,
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) service: String,
    /// Connections opened, or requests.
    pub(crate) count: u64,
    pub(crate) protocol: String,
    /// The labels that read `unknown` and need not.
    pub(crate) unknown: BTreeSet<String>,
}

/// What connections and requests are counted by.
pub(crate) const OPENED: &str = "istio_tcp_connections_opened_total";
const CLOSED: &str = "istio_tcp_connections_closed_total";
const REQUESTS: &str = "istio_requests_total";
const UNKNOWN: &str = "unknown";

/// All edges, one a series.
pub(crate) fn edges(samples: &[Sample]) -> Vec<Edge> {
    let counted = samples
        .iter()
        .filter(|sample| sample.name == OPENED || sample.name == REQUESTS);
    counted.map(Edge::new).collect()
}

/// Whether the proxies have counted all that the clients have seen the end of. A client may have its last byte a moment before.
pub(crate) fn is_settled(samples: &[Sample], outcomes: &[Outcome]) -> bool {
    FLOWS.iter().all(|flow| {
        let service = flow.service;
        let calls = outcomes
            .iter()
            .filter(|outcome| outcome.flow.service == service)
            .map(|outcome| outcome.timings.len());
        let calls = calls.sum::<usize>() as u64;
        match service.protocol {
            Protocol::Http => counted(samples, REQUESTS, &service.host()) >= calls,
            // Each is counted at both of its ends; a gateway keeps tunnels for other connections.
            Protocol::Tcp => {
                let closed = counted(samples, CLOSED, &service.host());
                closed >= 2 * calls && closed >= counted(samples, OPENED, &service.host())
            }
        }
    })
}

fn counted(samples: &[Sample], name: &str, service: &str) -> u64 {
    let is_it = |sample: &&Sample| {
        sample.name == name
            && sample.label("destination_service") == service
            && kind(sample) != Some(ProxyKind::EastwestGateway)
    };
    samples
        .iter()
        .filter(is_it)
        .map(|sample| sample.value)
        .sum()
}

impl Edge {
    fn new(sample: &Sample) -> Self {
        let party = |workload, cluster| {
            let (workload, cluster) = (sample.label(workload), sample.label(cluster));
            match workload {
                UNKNOWN => UNKNOWN.to_owned(),
                _ => format!("{workload}.{cluster}"),
            }
        };
        let known = unknowable(sample);
        let unknown = sample
            .labels
            .iter()
            .filter(|(name, value)| *value == UNKNOWN && !known.contains(&name.as_str()));
        Self {
            proxy: sample.proxy,
            reporter: sample.label("reporter").to_owned(),
            source: party("source_workload", "source_cluster"),
            destination: party("destination_workload", "destination_cluster"),
            service: sample.label("destination_service").to_owned(),
            count: sample.value,
            protocol: match sample.name.as_str() {
                OPENED => "tcp".to_owned(),
                _ => sample.label("request_protocol").to_owned(),
            },
            unknown: unknown.map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// What a proxy of this kind never knows; see `docs/labels.md`, sections 2 and 3.
fn unknowable(sample: &Sample) -> &'static [&'static str] {
    match kind(sample) {
        // The TLS that goes through it is between others.
        Some(ProxyKind::EastwestGateway) => &[
            "connection_security_policy",
            "source_principal",
            "destination_principal",
        ],
        // As Envoy, which does not look at its own.
        Some(ProxyKind::IngressGateway) => &["connection_security_policy"],
        _ => &[],
    }
}

fn kind(sample: &Sample) -> Option<ProxyKind> {
    let party = PARTIES.iter().find(|party| party.name == sample.proxy);
    party.map(|party| party.kind)
}

/// Writes the edges as a table, those of the same parties in one line.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, edges: &[Edge]) -> fmt::Result {
    let mut lines = BTreeMap::<_, (BTreeMap<&str, u64>, usize)>::new();
    for edge in edges {
        let parties = (&edge.source, &edge.destination, &edge.protocol);
        let (reporters, unknown) = lines.entry(parties).or_default();
        *reporters.entry(edge.reporter.as_str()).or_default() += edge.count;
        *unknown += edge.unknown.len();
    }
    for ((source, destination, protocol), (reporters, unknown)) in lines {
        let counts = reporters
            .iter()
            .map(|(reporter, count)| format!("{reporter} {count}"))
            .collect::<Vec<_>>()
            .join(", ");
        let unknown = match unknown {
            0 => String::new(),
            some => format!("  {some} labels unknown"),
        };
        writeln!(
            f,
            "  {source:<32} -> {destination:<28} {protocol:<5} {counts}{unknown}"
        )?;
    }
    Ok(())
}
