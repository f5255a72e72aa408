use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use super::{GatewayAddress, Locality, NamespacedHostname, Ports};
use crate::{Hostname, Identity, Network};

/// One instance that sends or receives: a pod, a virtual machine, or a stand-in for what another network holds.
///
/// The fields are those of Istio's workload that planning needs. What only telemetry needs (the names of the
/// deployment, the application, its version) is kept by the caller, under the same [`uid`](Self::uid).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Workload {
    /// Unique in the mesh.
    pub uid: Arc<str>,
    /// Who it proves to be in TLS.
    pub identity: Identity,
    /// The network it is in.
    pub network: Network,
    /// Its addresses in that network, at most a few; none if only a gateway reaches it.
    pub addresses: Vec<IpAddr>,
    /// Whether the addresses are the node's. Such a workload is not found by address: others share it.
    pub host_network: bool,
    /// A name by which gateways may be referred to.
    pub hostname: Option<Hostname>,
    /// What it accepts.
    pub protocol: Protocol,
    /// How its network is entered from another one.
    pub network_gateway: Option<GatewayAddress>,
    /// What traffic to its own address goes through. A service's waypoint stands in the service.
    pub waypoint: Option<GatewayAddress>,
    /// The cluster it runs in.
    pub cluster: Arc<str>,
    /// The node it runs on.
    pub node: Arc<str>,
    /// Where it runs.
    pub locality: Locality,
    /// The services it is an endpoint of, with the ports where it differs from them.
    pub services: BTreeMap<NamespacedHostname, Ports>,
    /// Whether it can serve.
    pub health: Health,
    /// Its weight among the endpoints of a service. 0 takes part only where all are 0.
    pub capacity: u32,
    /// How traffic that arrived over HBONE is handed to its application.
    pub application_tunnel: Option<ApplicationTunnel>,
}

/// What a workload accepts from the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// HBONE on [`crate::PORT`].
    Hbone,
    /// Connections to the application as they are.
    #[default]
    Tcp,
}

/// Whether an instance can serve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// It can.
    #[default]
    Healthy,
    /// It cannot, and is chosen only under [`super::HealthPolicy::AllowAll`].
    Unhealthy,
}

/// How traffic that arrived over HBONE is handed to an application that wants to know where it was going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationTunnel {
    /// What goes before the first byte.
    pub protocol: TunnelProtocol,
    /// The port that takes all of it; `None`: the port asked for.
    pub port: Option<NonZeroU16>,
}

/// What an application tunnel puts before the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TunnelProtocol {
    /// Nothing.
    None,
    /// A PROXY protocol header, version 2.
    Proxy,
}

impl Workload {
    /// A healthy workload of capacity 1 in the unnamed network that accepts plain connections and has no
    /// address yet. The rest is set field by field.
    pub fn new(uid: impl Into<Arc<str>>, identity: Identity) -> Self {
        Self {
            uid: uid.into(),
            identity,
            network: Network::default(),
            addresses: Vec::new(),
            host_network: false,
            hostname: None,
            protocol: Protocol::default(),
            network_gateway: None,
            waypoint: None,
            cluster: Arc::default(),
            node: Arc::default(),
            locality: Locality::default(),
            services: BTreeMap::new(),
            health: Health::default(),
            capacity: 1,
            application_tunnel: None,
        }
    }

    /// The namespace, which its identity names.
    pub fn namespace(&self) -> &str {
        self.identity.namespace()
    }

    /// Its addresses, IPv4 in IPv6 clothing undressed.
    pub(super) fn ips(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().map(IpAddr::to_canonical)
    }
}

impl ApplicationTunnel {
    /// `protocol` on `port`, or on whatever port is asked for.
    pub fn new(protocol: TunnelProtocol, port: Option<NonZeroU16>) -> Self {
        Self { protocol, port }
    }
}
