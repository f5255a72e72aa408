use serde::Serialize;

/// What there is to draw: it does not change while the demo runs.
///
/// Everything is referred to by name: names of networks, clusters, proxies and endpoints are unique, workloads are
/// by cluster, namespace and name.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Picture {
    /// In the order in which they are drawn.
    pub(crate) networks: Vec<Network>,
    pub(crate) proxies: Vec<Proxy>,
    /// Those that send and those that serve; gateways and waypoints stand among the proxies alone.
    pub(crate) workloads: Vec<Workload>,
    pub(crate) endpoints: Vec<Endpoint>,
}

impl Picture {
    /// The network that a cluster is in.
    pub(super) fn network_of(&self, cluster: &str) -> Option<&str> {
        let has_it = |network: &&Network| network.clusters.iter().any(|has| has.name == cluster);
        let network = self.networks.iter().find(has_it);
        network.map(|network| network.name.as_str())
    }

    /// The proxy of this name.
    pub(super) fn proxy(&self, name: &str) -> Option<&Proxy> {
        self.proxies.iter().find(|proxy| proxy.name == name)
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Network {
    pub(crate) name: String,
    pub(crate) clusters: Vec<Cluster>,
}

/// A cluster, named as in the metrics' `source_cluster`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cluster {
    pub(crate) name: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Proxy {
    pub(crate) name: String,
    pub(crate) kind: ProxyKind,
    pub(crate) cluster: String,
    /// Where its HBONE or HTTP port is.
    pub(crate) address: String,
    /// Where it is scraped: `http://ADDR:PORT/metrics`.
    pub(crate) metrics: String,
    /// For a node proxy, the workload that it works for; for the others, the workload that they are in the labels.
    pub(crate) namespace: String,
    pub(crate) workload: String,
}

impl Proxy {
    /// The node of the graph that it works for, or is.
    pub(super) fn node(&self) -> String {
        format!("{}/{}/{}", self.cluster, self.namespace, self.workload)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProxyKind {
    EastwestGateway,
    IngressGateway,
    NodeProxy,
    Waypoint,
}

/// A workload, named as in the metrics' `source_workload` and `destination_workload`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Workload {
    pub(crate) cluster: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The SPIFFE id.
    pub(crate) identity: String,
}

/// An instance of a service, which can be stopped and slowed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Endpoint {
    /// The key of its [`Switches`](super::Switches).
    pub(crate) name: String,
    /// The host name of the service, as in the metrics' `destination_service`.
    pub(crate) service: String,
    pub(crate) address: String,
    /// The name of the node proxy before it: what this counts as `destination` is the endpoint's share.
    pub(crate) proxy: String,
}
