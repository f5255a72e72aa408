use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::counts::Counts;
use super::picture::{Endpoint, Picture};
use super::scraper::Rates;
use super::traffic::{Line, Party};

/// The traffic between workloads, as the proxies count it now.
#[derive(Debug, Serialize)]
pub(super) struct Graph {
    pub(super) edges: Vec<Edge>,
    /// Of each endpoint of the picture, in its order.
    pub(super) shares: Vec<Share>,
}

/// What flows from one workload to another.
#[derive(Debug, Default, Serialize)]
pub(super) struct Edge {
    pub(super) id: String,
    /// `cluster/namespace/workload`, or `unknown/network` for one whom nobody of that network can name.
    pub(super) source: String,
    pub(super) destination: String,
    /// What both ends are known by, `None` where nobody can tell.
    pub(super) crosses_networks: Option<bool>,
    /// The labels that should say who the parties are, and do not.
    pub(super) missing: BTreeSet<String>,
    pub(super) services: BTreeSet<String>,
    /// Whom TLS proved them to be.
    pub(super) source_principals: BTreeSet<String>,
    pub(super) destination_principals: BTreeSet<String>,
    pub(super) rate: Rate,
    /// Who counts it, and how much.
    pub(super) reporters: BTreeMap<String, Reporter>,
    #[serde(skip)]
    counts: BTreeMap<String, Counts>,
}

/// What those of one place count.
#[derive(Debug, Default, Serialize)]
pub(super) struct Reporter {
    pub(super) proxies: BTreeSet<String>,
    pub(super) rate: Rate,
}

/// A second.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Rate {
    pub(super) connections: f64,
    pub(super) requests: f64,
    pub(super) failed: f64,
    pub(super) bytes: f64,
    /// The mean time that answers took, if any was taken.
    pub(super) milliseconds: Option<f64>,
}

/// How much of its service's traffic an endpoint gets, as its own node proxy counts it.
#[derive(Debug, Serialize)]
pub(super) struct Share {
    pub(super) endpoint: String,
    /// Connections a second.
    pub(super) connections: f64,
    /// Of all endpoints of the service, from 0 to 1.
    pub(super) share: f64,
}

impl Graph {
    /// `rates` are of the picture's proxies, in their order.
    pub(super) fn new(picture: &Picture, rates: &[Rates]) -> Self {
        let mut edges = BTreeMap::<_, Edge>::new();
        for (proxy, rates) in picture.proxies.iter().zip(rates) {
            let network = picture.network_of(&proxy.cluster).unwrap_or_default();
            for (line, counts) in &rates.traffic.0 {
                let ends = (
                    node(&line.source, network),
                    node(&line.destination, network),
                );
                let edge = edges
                    .entry(ends.clone())
                    .or_insert_with(|| Edge::new(picture, ends));
                edge.add(line, *counts, &proxy.name);
            }
        }
        let mut edges: Vec<_> = edges.into_values().collect();
        edges.iter_mut().for_each(Edge::sum_up);
        let shares = picture.endpoints.iter();
        Self {
            edges,
            shares: shares
                .map(|endpoint| Share::new(picture, rates, endpoint))
                .collect(),
        }
    }
}

impl Edge {
    fn new(picture: &Picture, (source, destination): (String, String)) -> Self {
        let network = |id: &str| match id.strip_prefix("unknown/") {
            Some(_) => None,
            None => picture.network_of(id.split('/').next()?).map(str::to_owned),
        };
        let networks = network(&source).zip(network(&destination));
        Self {
            id: format!("{source}>{destination}"),
            source,
            destination,
            crosses_networks: networks.map(|(from, to)| from != to),
            ..Self::default()
        }
    }

    fn add(&mut self, line: &Line, counts: Counts, proxy: &str) {
        for (side, party) in [("source", &line.source), ("destination", &line.destination)] {
            let missing = party.missing().map(|label| format!("{side}_{label}"));
            self.missing.extend(missing);
        }
        self.services.insert(line.service.clone());
        self.source_principals.insert(line.source.principal.clone());
        self.destination_principals
            .insert(line.destination.principal.clone());
        let reporter = self.reporters.entry(line.reporter.clone()).or_default();
        reporter.proxies.insert(proxy.to_owned());
        let counted = self.counts.entry(line.reporter.clone()).or_default();
        *counted = counted.plus(counts);
    }

    /// The reporters count the same traffic, each from its place, so that what they say is not added up.
    fn sum_up(&mut self) {
        let most = self.counts.values().copied().reduce(Counts::or);
        self.rate = Rate::from(most.unwrap_or_default());
        for (name, reporter) in &mut self.reporters {
            reporter.rate = Rate::from(self.counts.get(name).copied().unwrap_or_default());
        }
    }
}

impl Share {
    fn new(picture: &Picture, rates: &[Rates], endpoint: &Endpoint) -> Self {
        let served = |endpoint: &Endpoint| {
            let proxies = picture.proxies.iter().zip(rates);
            let own = proxies.filter(|(proxy, _)| proxy.name == endpoint.proxy);
            own.flat_map(|(_, rates)| &rates.traffic.0)
                .filter(|(line, _)| {
                    line.reporter == "destination" && line.service == endpoint.service
                })
                .map(|(_, counts)| counts.connections)
                .sum::<f64>()
        };
        let of_service = picture.endpoints.iter();
        let all: f64 = of_service
            .filter(|other| other.service == endpoint.service)
            .map(served)
            .sum();
        let connections = served(endpoint);
        Self {
            endpoint: endpoint.name.clone(),
            connections,
            share: if all > 0.0 { connections / all } else { 0.0 },
        }
    }
}

impl From<Counts> for Rate {
    fn from(counts: Counts) -> Self {
        Self {
            connections: counts.connections,
            requests: counts.requests,
            failed: counts.failed,
            bytes: counts.bytes,
            milliseconds: (counts.timed > 0.0).then(|| counts.milliseconds / counts.timed),
        }
    }
}

/// What stands for a party, which a proxy of `network` counts.
fn node(party: &Party, network: &str) -> String {
    match party.is_unknown() {
        true => format!("unknown/{network}"),
        false => format!("{}/{}/{}", party.cluster, party.namespace, party.workload),
    }
}
