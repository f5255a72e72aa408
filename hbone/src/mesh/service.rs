use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::{GatewayAddress, LoadBalancing, NamespacedHostname, NetworkAddress, Ports};
use crate::{ExpectedIdentities, Hostname, Network};

/// A set of workloads under one name and some virtual addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    /// Its host name, and the namespace that defines it.
    pub name: NamespacedHostname,
    /// Its virtual addresses: none, or some in each network.
    pub addresses: Vec<NetworkAddress>,
    /// Ranges of addresses that are its own where no service has just that address; of several, the narrowest counts. One of
    /// IPv4-mapped addresses is the IPv4 range.
    pub ranges: Vec<(Network, IpNet)>,
    /// The ports it exposes. A port that is not listed is not reachable through the service.
    pub ports: Ports,
    /// Who may answer for it, besides the endpoint that was chosen (its subject alternative names). For endpoints in other
    /// networks this is all there is: what a stand-in workload is called proves nothing about who is behind the gateway.
    pub identities: ExpectedIdentities,
    /// What traffic to it goes through.
    pub waypoint: Option<GatewayAddress>,
    /// Whether traffic from an ingress gateway goes through the waypoint too (Istio's label
    /// `istio.io/ingress-use-waypoint`).
    pub ingress_use_waypoint: bool,
    /// How an endpoint is chosen.
    pub load_balancing: LoadBalancing,
    /// Which addresses of an endpoint may be used.
    pub families: AddressFamilies,
    /// Who may see it.
    pub visibility: Visibility,
}

/// Which families of IP addresses a service uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressFamilies {
    /// Both.
    #[default]
    Dual,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// Which namespaces see a service. Its own always does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Visibility {
    /// All of them.
    #[default]
    Everywhere,
    /// These.
    Namespaces(BTreeSet<Arc<str>>),
}

impl Service {
    /// A service that exposes `ports`, is visible everywhere and has neither addresses, waypoint nor listed
    /// identities. The rest is set field by field.
    pub fn new(name: NamespacedHostname, ports: impl Into<Ports>) -> Self {
        Self {
            name,
            addresses: Vec::new(),
            ranges: Vec::new(),
            ports: ports.into(),
            identities: ExpectedIdentities::default(),
            waypoint: None,
            ingress_use_waypoint: false,
            load_balancing: LoadBalancing::default(),
            families: AddressFamilies::default(),
            visibility: Visibility::default(),
        }
    }

    /// The host name.
    pub fn hostname(&self) -> &Hostname {
        self.name.hostname()
    }

    /// Whether a workload of `namespace` may use it.
    pub fn visible_to(&self, namespace: &str) -> bool {
        match &self.visibility {
            Visibility::Everywhere => true,
            Visibility::Namespaces(list) => {
                namespace == self.name.namespace() || list.contains(namespace)
            }
        }
    }
}

impl AddressFamilies {
    /// Whether the address is of an allowed family.
    pub fn contains(self, ip: IpAddr) -> bool {
        match self {
            Self::Dual => true,
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
        }
    }
}
