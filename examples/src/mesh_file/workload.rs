use std::num::NonZeroU16;

use baggage::istio::{PeerAttributes, WorkloadKind};
use hbone::mesh::{ApplicationTunnel, Health, Locality, Ports, Protocol, TunnelProtocol, Workload};
use hbone::{Identity, TrustDomain};

use super::Described;
use super::document::{self, GatewayEntry, NetworkMode, Status, TunnelEntry, WorkloadEntry};
use super::field::Field;
use super::parsed::Parsed;
use super::references::{Wrong, policy};

/// What ztunnel takes where a file says nothing.
const TRUST_DOMAIN: &str = "cluster.local";
const SERVICE_ACCOUNT: &str = "default";
const CLUSTER: &str = "Kubernetes";

/// The workload that the entry, the `index`th of the list, tells of.
pub(super) fn workload(
    entry: WorkloadEntry,
    index: usize,
    odd: &mut Vec<Wrong>,
) -> Result<(Workload, Described), Wrong> {
    let field = Field::item("workloads", index);
    let uid = uid(&entry, index);
    let trust_domain = match entry.trust_domain {
        Some(Parsed(Some(trust_domain))) => trust_domain,
        Some(Parsed(None)) | None => TrustDomain::new(TRUST_DOMAIN)
            .map_err(|error| Wrong::new(field.key("trustDomain"), error.to_string()))?,
    };
    let service_account = or(&entry.service_account, SERVICE_ACCOUNT);
    let identity =
        |service_account| Identity::new(&trust_domain, &entry.namespace, service_account);
    let at = match identity(SERVICE_ACCOUNT) {
        Ok(_) => "serviceAccount",
        Err(_) => "namespace",
    };
    let identity =
        identity(service_account).map_err(|error| Wrong::new(field.key(at), error.to_string()))?;
    let cluster = or(&entry.cluster_id, CLUSTER);
    let kind = kind(&entry.workload_type).unwrap_or_else(|problem| {
        odd.push(Wrong::new(field.key("workloadType"), problem));
        WorkloadKind::Deployment
    });
    let attributes = PeerAttributes::builder()
        .cluster(cluster)
        .namespace(&entry.namespace)
        .workload(kind, or(&entry.workload_name, &entry.name))
        .service(&entry.canonical_name)
        .revision(&entry.canonical_revision)
        .instance(&entry.name)
        .region(&entry.locality.region)
        .zone(&entry.locality.zone)
        .build();

    let mut workload = Workload::new(uid, identity);
    workload.network = entry.network.map(|network| network.0).unwrap_or_default();
    workload.addresses = entry.workload_ips.0;
    workload.host_network = entry.network_mode == NetworkMode::HostNetwork;
    let host = entry.hostname.map(|host| host.0);
    workload.hostname = host
        .filter(|host| !host.written.is_empty())
        .map(|host| host.into_name(&field, odd));
    workload.protocol = match entry.protocol {
        document::Protocol::Hbone => Protocol::Hbone,
        document::Protocol::Tcp => Protocol::Tcp,
    };
    workload.network_gateway = entry.network_gateway.map(GatewayEntry::into_address);
    workload.waypoint = entry.waypoint.map(GatewayEntry::into_address);
    workload.cluster = cluster.into();
    workload.node = entry.node.into();
    let locality = entry.locality;
    workload.locality = Locality::new(locality.region, locality.zone, locality.subzone);
    let services = entry.services.0.into_iter();
    workload.services = services
        .map(|(name, member)| (name, Ports::from_iter(member.ports.0)))
        .collect();
    workload.health = match entry.status {
        Status::Healthy => Health::Healthy,
        Status::Unhealthy => Health::Unhealthy,
    };
    workload.capacity = entry.capacity;
    workload.application_tunnel = entry.application_tunnel.as_ref().map(tunnel);
    let policies = entry.authorization_policies.into_iter();
    let described = Described {
        name: entry.name,
        attributes,
        policies: policies.filter_map(|name| policy(&name)).collect(),
    };
    Ok((workload, described))
}

/// What it says, or one made of its name, or of its place.
pub(super) fn uid(entry: &WorkloadEntry, index: usize) -> String {
    let cluster = or(&entry.cluster_id, CLUSTER);
    match (entry.uid.as_str(), entry.name.as_str()) {
        ("", "") => format!("workloads[{index}]"),
        ("", name) => format!("{cluster}//Pod/{}/{name}", entry.namespace),
        (uid, _) => uid.to_owned(),
    }
}

/// Which of several workloads an address is taken for, as ztunnel has it: a pod, for nobody can pretend to be one; else one that
/// speaks HBONE; else the one that comes last.
pub(super) fn rank(entry: &WorkloadEntry) -> (bool, bool) {
    let is_pod = entry.uid.contains("//Pod/") || entry.uid.is_empty();
    (is_pod, matches!(entry.protocol, document::Protocol::Hbone))
}

/// The kinds that baggage knows; ztunnel takes what says nothing for a deployment.
fn kind(name: &str) -> Result<WorkloadKind, String> {
    match name.to_ascii_lowercase().as_str() {
        "" => Ok(WorkloadKind::Deployment),
        name => name
            .parse()
            .map_err(|error| format!("{name:?}: {error}; it is taken for a deployment")),
    }
}

fn tunnel(entry: &TunnelEntry) -> ApplicationTunnel {
    let protocol = match entry.protocol {
        document::TunnelProtocol::None => TunnelProtocol::None,
        document::TunnelProtocol::Proxy => TunnelProtocol::Proxy,
    };
    ApplicationTunnel::new(protocol, entry.port.and_then(NonZeroU16::new))
}

fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}
