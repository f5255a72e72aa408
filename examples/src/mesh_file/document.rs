use hbone::mesh::{GatewayAddress, NamespacedHostname, NetworkAddress};
use hbone::{Network, TrustDomain};
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::addresses::Addresses;
use super::host::Host;
use super::membership::Membership;
use super::parsed::Parsed;
use super::policies::PolicyEntry;
use super::port_map::PortMap;
use super::unique_map::UniqueMap;

/// A mesh file as it stands.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default)]
    pub(super) workloads: Vec<WorkloadEntry>,
    #[serde(default)]
    pub(super) services: Vec<ServiceEntry>,
    #[serde(default)]
    pub(super) policies: Vec<PolicyEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a workload, as a map of its fields"
)]
pub(super) struct WorkloadEntry {
    #[serde(default)]
    pub(super) uid: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) namespace: String,
    #[serde(default)]
    pub(super) service_account: String,
    #[serde(default)]
    pub(super) trust_domain: Option<Parsed<Option<TrustDomain>>>,
    /// One of them was called `workloadIp` once.
    #[serde(default, alias = "workloadIp")]
    pub(super) workload_ips: Addresses,
    #[serde(default)]
    pub(super) network: Option<Parsed<Network>>,
    #[serde(default)]
    pub(super) network_mode: NetworkMode,
    #[serde(default)]
    pub(super) network_gateway: Option<GatewayEntry>,
    #[serde(default)]
    pub(super) waypoint: Option<GatewayEntry>,
    #[serde(default)]
    pub(super) protocol: Protocol,
    #[serde(default)]
    pub(super) hostname: Option<Parsed<Host>>,
    #[serde(default)]
    pub(super) node: String,
    #[serde(default)]
    pub(super) workload_name: String,
    #[serde(default)]
    pub(super) workload_type: String,
    #[serde(default)]
    pub(super) canonical_name: String,
    #[serde(default)]
    pub(super) canonical_revision: String,
    #[serde(default)]
    pub(super) cluster_id: String,
    #[serde(default)]
    pub(super) locality: LocalityEntry,
    #[serde(default)]
    pub(super) services: Membership,
    #[serde(default)]
    pub(super) status: Status,
    #[serde(default = "one")]
    pub(super) capacity: u32,
    #[serde(default)]
    pub(super) application_tunnel: Option<TunnelEntry>,
    #[serde(default)]
    pub(super) authorization_policies: Vec<String>,
    /// Whether the application speaks HBONE itself, which changes nothing here.
    #[serde(default, rename = "nativeTunnel")]
    _native_tunnel: IgnoredAny,
}

const fn one() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a service, as a map of its fields"
)]
pub(super) struct ServiceEntry {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) hostname: Parsed<Host>,
    #[serde(default)]
    pub(super) vips: Vec<Parsed<NetworkAddress>>,
    #[serde(default)]
    pub(super) cidr_vips: Vec<RangeEntry>,
    #[serde(default)]
    pub(super) ports: PortMap,
    #[serde(default)]
    pub(super) subject_alt_names: Vec<String>,
    #[serde(default)]
    pub(super) waypoint: Option<GatewayEntry>,
    #[serde(default)]
    pub(super) ingress_use_waypoint: bool,
    #[serde(default)]
    pub(super) load_balancer: Option<LoadBalancerEntry>,
    #[serde(default)]
    pub(super) ip_families: Option<IpFamilies>,
    /// Endpoints that the workloads do not tell themselves, by whatever ztunnel calls them.
    #[serde(default)]
    pub(super) endpoints: UniqueMap<String, EndpointEntry>,
    /// Whether it has an address that services of several namespaces share.
    #[serde(default)]
    pub(super) canonical: bool,
    /// From where it is seen, which nothing here asks.
    #[serde(default)]
    pub(super) visibility: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "an endpoint, as a map of its fields"
)]
pub(super) struct EndpointEntry {
    pub(super) workload_uid: String,
    #[serde(default)]
    pub(super) port: PortMap,
    #[serde(default)]
    pub(super) status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map of network and cidr")]
pub(super) struct RangeEntry {
    #[serde(default)]
    pub(super) network: Option<Parsed<Network>>,
    pub(super) cidr: Parsed<IpNet>,
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map of destination and hboneMtlsPort"
)]
pub(super) struct GatewayEntry {
    pub(super) destination: Parsed<Gateway>,
    pub(super) hbone_mtls_port: u16,
}

/// A waypoint or the gateway of a network.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) destination: Destination,
    pub(super) written: String,
}

#[derive(Debug)]
pub(super) enum Destination {
    Address(NetworkAddress),
    Name(NamespacedHostname),
}

impl GatewayEntry {
    pub(super) fn into_address(self) -> GatewayAddress {
        let address = match self.destination.0.destination {
            Destination::Address(address) => GatewayAddress::at(address),
            Destination::Name(name) => GatewayAddress::named(name),
        };
        address.on(self.hbone_mtls_port)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map of region, zone and subzone"
)]
pub(super) struct LocalityEntry {
    #[serde(default)]
    pub(super) region: String,
    #[serde(default)]
    pub(super) zone: String,
    #[serde(default)]
    pub(super) subzone: String,
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map of protocol and port"
)]
pub(super) struct TunnelEntry {
    pub(super) protocol: TunnelProtocol,
    #[serde(default)]
    pub(super) port: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map of routingPreferences, mode and healthPolicy"
)]
pub(super) struct LoadBalancerEntry {
    #[serde(default)]
    pub(super) routing_preferences: Vec<Preference>,
    #[serde(default)]
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) health_policy: HealthPolicy,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) enum Protocol {
    #[default]
    #[serde(rename = "TCP", alias = "NONE")]
    Tcp,
    #[serde(rename = "HBONE")]
    Hbone,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) enum NetworkMode {
    #[default]
    #[serde(alias = "STANDARD")]
    Standard,
    #[serde(alias = "HOST_NETWORK")]
    HostNetwork,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Status {
    #[default]
    #[serde(alias = "HEALTHY")]
    Healthy,
    #[serde(alias = "UNHEALTHY")]
    Unhealthy,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) enum TunnelProtocol {
    #[serde(rename = "NONE")]
    None,
    #[serde(rename = "PROXY")]
    Proxy,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) enum Mode {
    #[default]
    #[serde(alias = "UNSPECIFIED_MODE")]
    Standard,
    #[serde(alias = "STRICT")]
    Strict,
    #[serde(alias = "FAILOVER")]
    Failover,
    #[serde(alias = "PASSTHROUGH")]
    Passthrough,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) enum HealthPolicy {
    #[default]
    #[serde(alias = "ONLY_HEALTHY")]
    OnlyHealthy,
    #[serde(alias = "ALLOW_ALL")]
    AllowAll,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) enum Preference {
    #[serde(alias = "REGION")]
    Region,
    #[serde(alias = "ZONE")]
    Zone,
    #[serde(alias = "SUBZONE")]
    Subzone,
    #[serde(alias = "NODE")]
    Node,
    #[serde(alias = "CLUSTER")]
    Cluster,
    #[serde(alias = "NETWORK")]
    Network,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) enum IpFamilies {
    #[serde(alias = "AUTOMATIC", alias = "DUAL")]
    Dual,
    #[serde(rename = "IPv4", alias = "IPV4_ONLY")]
    V4,
    #[serde(rename = "IPv6", alias = "IPV6_ONLY")]
    V6,
}
