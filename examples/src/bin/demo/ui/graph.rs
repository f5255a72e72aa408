use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::counts::Counts;
use super::picture::{Endpoint, Picture, Proxy};
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

/// How much of its service's traffic an endpoint gets.
#[derive(Debug, Serialize)]
pub(super) struct Share {
    pub(super) endpoint: String,
    pub(super) rate: Rate,
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
            shares: shares
                .map(|endpoint| Share::new(picture, rates, &edges, endpoint))
                .collect(),
            edges,
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
    /// By requests, where some proxy tells which endpoint they went to. Else by what the endpoints' own node proxies count:
    /// connections that began or, where they carry requests, of which one has few and another many, bytes.
    fn new(picture: &Picture, rates: &[Rates], edges: &[Edge], endpoint: &Endpoint) -> Self {
        let served = |endpoint: &Endpoint| {
            let node = picture.proxy(&endpoint.proxy).map(Proxy::node);
            let requests = edges
                .iter()
                .filter(|edge| node.as_ref() == Some(&edge.destination))
                .map(|edge| edge.rate.requests)
                .sum();
            let proxies = picture.proxies.iter().zip(rates);
            let counts = proxies
                .filter(|(proxy, _)| proxy.name == endpoint.proxy)
                .flat_map(|(_, rates)| &rates.traffic.0)
                .filter(|(line, _)| {
                    line.reporter == "destination" && line.service == endpoint.service
                })
                .map(|(_, counts)| *counts)
                .fold(Counts::default(), Counts::plus);
            Rate::from(Counts { requests, ..counts })
        };
        let others = picture.endpoints.iter();
        let others = others.filter(|other| other.service == endpoint.service);
        let all: Vec<_> = others.map(served).collect();
        let rate = served(endpoint);
        let mut lines = rates.iter().flat_map(|rates| &rates.traffic.0);
        let carry_requests =
            lines.any(|(line, counts)| line.service == endpoint.service && counts.requests > 0.0);
        let begun: fn(&Rate) -> f64 = match carry_requests {
            true => |_| 0.0,
            false => |rate| rate.connections,
        };
        let measures = [|rate: &Rate| rate.requests, begun, |rate: &Rate| rate.bytes];
        let mut shares = measures.iter().filter_map(|measure| {
            let sum: f64 = all.iter().map(measure).sum();
            (sum > 0.0).then(|| measure(&rate) / sum)
        });
        Self {
            endpoint: endpoint.name.clone(),
            rate,
            share: shares.next().unwrap_or_default(),
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

#[cfg(test)]
mod tests {
    use super::super::picture::{Cluster, Network, ProxyKind};
    use super::super::traffic::Traffic;
    use super::*;

    fn picture() -> Picture {
        let network = |name: &str, cluster: &str| Network {
            name: name.into(),
            clusters: vec![Cluster {
                name: cluster.into(),
            }],
        };
        let proxy = |name: &str, cluster: &str| Proxy {
            name: name.into(),
            kind: ProxyKind::NodeProxy,
            cluster: cluster.into(),
            address: String::new(),
            metrics: String::new(),
            namespace: "n".into(),
            workload: name.into(),
        };
        let endpoint = |name: &str| Endpoint {
            name: name.into(),
            service: "s".into(),
            address: String::new(),
            proxy: name.into(),
        };
        Picture {
            networks: vec![network("a", "here"), network("b", "there")],
            proxies: vec![
                proxy("client", "here"),
                proxy("one", "there"),
                proxy("two", "there"),
            ],
            workloads: Vec::new(),
            endpoints: vec![endpoint("one"), endpoint("two")],
        }
    }

    fn party(side: &str, cluster: &str, workload: &str) -> String {
        let namespace = if workload == "unknown" {
            "unknown"
        } else {
            "n"
        };
        format!(
            r#"{side}_cluster="{cluster}",{side}_workload="{workload}",{side}_workload_namespace="{namespace}",{side}_canonical_service="{workload}",{side}_principal="spiffe://x""#
        )
    }

    fn rates(lines: &[(&str, [&str; 2], [&str; 2], f64)]) -> Rates {
        let text: String = lines
            .iter()
            .map(|(reporter, source, destination, opened)| {
                let [source, destination] = [("source", source), ("destination", destination)]
                    .map(|(side, [cluster, workload])| party(side, cluster, workload));
                format!("istio_tcp_connections_opened_total{{reporter=\"{reporter}\",destination_service=\"s\",{source},{destination}}} {opened}\n")
            })
            .collect();
        Rates {
            traffic: Traffic::parse(&text).unwrap(),
            ..Rates::default()
        }
    }

    const CLIENT: [&str; 2] = ["here", "client"];
    const ONE: [&str; 2] = ["there", "one"];
    const TWO: [&str; 2] = ["there", "two"];
    const NOBODY: [&str; 2] = ["unknown", "unknown"];

    #[test]
    fn what_two_reporters_count_is_one_edge_and_is_not_counted_twice() {
        let client = rates(&[("source", CLIENT, ONE, 3.0), ("source", CLIENT, TWO, 1.0)]);
        let one = rates(&[("destination", CLIENT, ONE, 3.0)]);
        let two = rates(&[("destination", CLIENT, TWO, 1.0)]);
        let graph = Graph::new(&picture(), &[client, one, two]);
        let told = |edge: &Edge| (edge.id.clone(), edge.rate.connections, edge.reporters.len());
        assert_eq!(
            graph.edges.iter().map(told).collect::<Vec<_>>(),
            [
                ("here/n/client>there/n/one".to_owned(), 3.0, 2),
                ("here/n/client>there/n/two".to_owned(), 1.0, 2),
            ]
        );
        let edge = &graph.edges[0];
        assert_eq!(edge.crosses_networks, Some(true));
        assert!(edge.missing.is_empty());
        assert!(edge.destination_principals.contains("spiffe://x"));
        let shares = graph.shares.iter().map(|share| share.share);
        assert_eq!(shares.collect::<Vec<_>>(), [0.75, 0.25]);
    }

    #[test]
    fn a_share_is_of_requests_where_they_are_told_apart() {
        let text = |workload: &str, requests: u32| {
            let (source, destination) = (
                party("source", "here", "client"),
                party("destination", "there", workload),
            );
            format!(
                "istio_requests_total{{reporter=\"waypoint\",destination_service=\"s\",{source},{destination}}} {requests}\n"
            )
        };
        let waypoint = Rates {
            traffic: Traffic::parse(&(text("one", 1) + &text("two", 4))).unwrap(),
            ..Rates::default()
        };
        // Who keeps its connections begins none.
        let one = rates(&[("destination", CLIENT, ONE, 7.0)]);
        let graph = Graph::new(&picture(), &[waypoint, one, Rates::default()]);
        let shares = graph.shares.iter().map(|share| share.share);
        assert_eq!(shares.collect::<Vec<_>>(), [0.2, 0.8]);
    }

    #[test]
    fn a_share_of_requests_that_nobody_tells_apart_is_of_bytes() {
        let unknown = party("destination", "unknown", "unknown");
        let client = party("source", "here", "client");
        let asked = format!(
            "istio_requests_total{{reporter=\"waypoint\",destination_service=\"s\",{client},{unknown}}} 9\n"
        );
        let waypoint = Rates {
            traffic: Traffic::parse(&asked).unwrap(),
            ..Rates::default()
        };
        let endpoint = |workload: &str, opened: u32, bytes: u32| {
            let labels = format!(
                "reporter=\"destination\",destination_service=\"s\",{client},{}",
                party("destination", "there", workload)
            );
            let text = format!(
                "istio_tcp_connections_opened_total{{{labels}}} {opened}\nistio_tcp_sent_bytes_total{{{labels}}} {bytes}\n"
            );
            Rates {
                traffic: Traffic::parse(&text).unwrap(),
                ..Rates::default()
            }
        };
        // Both go on using what they have, but one of them has lost a connection.
        let all = [waypoint, endpoint("one", 1, 300), endpoint("two", 0, 100)];
        let graph = Graph::new(&picture(), &all);
        let shares = graph.shares.iter().map(|share| share.share);
        assert_eq!(shares.collect::<Vec<_>>(), [0.75, 0.25]);
    }

    #[test]
    fn whom_either_side_cannot_name_is_somebody_else_for_each() {
        let client = rates(&[("source", CLIENT, NOBODY, 4.0)]);
        let one = rates(&[("destination", NOBODY, ONE, 4.0)]);
        let graph = Graph::new(&picture(), &[client, one, Rates::default()]);
        let ids: Vec<_> = graph.edges.iter().map(|edge| edge.id.as_str()).collect();
        assert_eq!(ids, ["here/n/client>unknown/a", "unknown/b>there/n/one"]);
        let edge = &graph.edges[0];
        assert_eq!(edge.crosses_networks, None);
        assert!(edge.missing.contains("destination_workload"));
        assert!(
            edge.missing
                .iter()
                .all(|label| label.starts_with("destination_"))
        );
    }

    #[test]
    fn a_party_of_whom_only_a_part_is_known_is_missed_too() {
        let graph = Graph::new(
            &picture(),
            &[rates(&[("source", CLIENT, ["unknown", "one"], 1.0)])],
        );
        assert_eq!(graph.edges[0].destination, "unknown/n/one");
        assert_eq!(
            graph.edges[0].missing.iter().collect::<Vec<_>>(),
            ["destination_cluster"]
        );
    }
}
