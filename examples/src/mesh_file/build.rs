use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;

use baggage::istio::{PeerAttributes, WorkloadKind};
use hbone::authorization::Authorizations;
use hbone::mesh::{
    AddressFamilies, Ambiguous, ApplicationTunnel, GatewayAddress, Health, HealthPolicy,
    LoadBalancing, LoadBalancingMode, Locality, NamespacedHostname, Ports, Protocol, Scope,
    Service, StaticMesh, TunnelProtocol, Workload,
};
use hbone::{Identity, TrustDomain};
use peer_meta::DestinationService;

use super::document::{
    self, Document, Gateway, GatewayEntry, IpFamilies, LoadBalancerEntry, Mode, NetworkMode,
    Preference, ServiceEntry, Status, TunnelEntry, WorkloadEntry,
};
use super::endpoints;
use super::field::Field;
use super::parsed::Parsed;
use super::references::{References, Wrong};
use super::{Described, MeshFile, MeshFileError};

/// What ztunnel takes where a file says nothing.
const TRUST_DOMAIN: &str = "cluster.local";
const SERVICE_ACCOUNT: &str = "default";
const CLUSTER: &str = "Kubernetes";

/// Reads a mesh file.
pub(super) fn build(path: &Path, text: &str) -> Result<MeshFile, MeshFileError> {
    let document = document(path, text)?;
    let entry = |wrong: Wrong| MeshFileError::Entry {
        path: path.to_owned(),
        line: wrong.field.line(text),
        field: wrong.field.to_string(),
        problem: wrong.problem,
    };
    let (mut file, odd) = assemble(document).map_err(entry)?;
    file.oddities = odd.into_iter().map(entry).collect();
    Ok(file)
}

fn document(path: &Path, text: &str) -> Result<Document, MeshFileError> {
    // A file of nothing but comments is a mesh of nothing.
    let document: Result<Option<Document>, _> = serde_yaml_ng::from_str(text);
    document.map(Option::unwrap_or_default).map_err(|error| {
        let told = error.to_string();
        let problem = told
            .split_once(" at line ")
            .map_or(&*told, |(problem, _)| problem);
        MeshFileError::Malformed {
            path: path.to_owned(),
            line: error.location().map_or(1, |place| place.line()),
            problem: problem.to_owned(),
        }
    })
}

/// The mesh, and what is odd about the document but does no harm.
fn assemble(mut document: Document) -> Result<(MeshFile, Vec<Wrong>), Wrong> {
    let mut odd = References::of(&document).check(&document)?;
    let told = endpoints::tell(&mut document.services, &document.workloads, &mut odd);
    let mut uids = BTreeMap::new();
    let mut described = BTreeMap::new();
    let mut workloads = Vec::new();
    for (index, entry) in document.workloads.into_iter().enumerate() {
        let field = Field::item("workloads", index);
        let rank = rank(&entry);
        let (mut workload, more) = workload(entry, &field, &mut odd)?;
        if let Some(first) = uids.insert(workload.uid.clone(), index) {
            return Err(Wrong::new(
                field.key("uid"),
                format!(
                    "workloads[{first}] has the uid {} too; give each its own",
                    workload.uid
                ),
            ));
        }
        described.insert(workload.uid.clone(), more);
        for (service, ports) in told.get(&index).into_iter().flatten() {
            let own = workload.services.entry(service.clone());
            own.or_insert_with(|| ports.iter().map(|(from, to)| (*from, *to)).collect());
        }
        workloads.push((rank, index, workload));
    }
    workloads.sort_by_key(|(rank, index, _)| Reverse((*rank, *index)));
    let mut named = BTreeMap::new();
    let mut services = Vec::new();
    for (index, entry) in document.services.into_iter().enumerate() {
        let canonical = entry.canonical;
        let (service, telemetry) = service(entry, &Field::item("services", index), &mut odd)?;
        named.insert(service.name.clone(), Arc::new(telemetry));
        services.push((canonical, service));
    }
    let policies = document.policies.into_iter();
    let policies = Authorizations::new(policies.map(|entry| entry.into_policy()));
    let policies = policies.map_err(|name| {
        Wrong::new(
            Field::default().key("policies"),
            format!("there are two policies {name}; rename or merge them"),
        )
    })?;
    let places = Places {
        workloads: uids,
        services: services
            .iter()
            .map(|(_, service)| service.name.clone())
            .collect(),
    };
    let ambiguous = |one: Ambiguous| Wrong::new(places.of(&one), one.to_string());
    services.sort_by_key(|(canonical, _)| !canonical);
    let (mesh, shared) = StaticMesh::first_come(
        workloads.into_iter().map(|(_, _, workload)| workload),
        services.into_iter().map(|(_, service)| service),
    )
    .map_err(ambiguous)?;
    odd.extend(shared.into_iter().map(ambiguous));
    let file = MeshFile {
        mesh,
        described,
        services: named,
        policies,
        oddities: Vec::new(),
    };
    Ok((file, odd))
}

/// Which of several workloads an address is taken for, as ztunnel has it: a pod, for nobody can pretend to be one; else one that
/// speaks HBONE; else the one that comes last.
fn rank(entry: &WorkloadEntry) -> (bool, bool) {
    let is_pod = entry.uid.contains("//Pod/") || entry.uid.is_empty();
    (is_pod, matches!(entry.protocol, document::Protocol::Hbone))
}

/// Where entries stand, for an index that only knows what they are called.
struct Places {
    workloads: BTreeMap<Arc<str>, usize>,
    services: Vec<NamespacedHostname>,
}

impl Places {
    /// The later of the two that claim one key.
    fn of(&self, ambiguous: &Ambiguous) -> Field {
        match ambiguous {
            Ambiguous::ServiceAddress { second, .. } => self.service(second).key("vips"),
            Ambiguous::ServiceName { name } => self.service(name).key("hostname"),
            Ambiguous::WorkloadAddress { second, .. } => self.workload(second).key("workloadIps"),
            Ambiguous::WorkloadName { second, .. } => self.workload(second).key("hostname"),
            Ambiguous::WorkloadUid { uid } => self.workload(uid).key("uid"),
            _ => Field::default(),
        }
    }

    fn workload(&self, uid: &str) -> Field {
        let index = self.workloads.get(uid).copied().unwrap_or_default();
        Field::item("workloads", index)
    }

    fn service(&self, name: &NamespacedHostname) -> Field {
        let index = self.services.iter().rposition(|own| own == name);
        Field::item("services", index.unwrap_or_default())
    }
}

fn workload(
    entry: WorkloadEntry,
    field: &Field,
    odd: &mut Vec<Wrong>,
) -> Result<(Workload, Described), Wrong> {
    let uid = uid(&entry).ok_or_else(|| {
        let problem = "there is neither a uid nor a name; give it a uid, unique in the mesh";
        Wrong::new(field.key("uid"), problem)
    })?;
    let trust_domain = match entry.trust_domain {
        Some(Parsed(trust_domain)) => trust_domain,
        None => TrustDomain::new(TRUST_DOMAIN)
            .map_err(|error| Wrong::new(field.key("trustDomain"), error.to_string()))?,
    };
    let service_account = or(&entry.service_account, SERVICE_ACCOUNT);
    let identity = Identity::new(&trust_domain, &entry.namespace, service_account)
        .map_err(|error| Wrong::new(field.key("serviceAccount"), error.to_string()))?;
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
    workload.addresses = entry.workload_ips.into_iter().map(|ip| ip.0).collect();
    workload.host_network = entry.network_mode == NetworkMode::HostNetwork;
    workload.hostname = entry.hostname.and_then(|hostname| hostname.0);
    workload.protocol = match entry.protocol {
        document::Protocol::Hbone => Protocol::Hbone,
        document::Protocol::Tcp => Protocol::Tcp,
    };
    workload.network_gateway = entry.network_gateway.map(gateway);
    workload.waypoint = entry.waypoint.map(gateway);
    workload.cluster = cluster.into();
    workload.node = entry.node.into();
    let locality = entry.locality;
    workload.locality = Locality::new(locality.region, locality.zone, locality.subzone);
    let services = entry.services.0.into_iter();
    workload.services = services
        .map(|(name, ports)| (name, Ports::from_iter(ports)))
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
        policies: policies.map(|name| name.0).collect(),
    };
    Ok((workload, described))
}

/// What it says, or one made of its name.
pub(super) fn uid(entry: &WorkloadEntry) -> Option<String> {
    let cluster = or(&entry.cluster_id, CLUSTER);
    match (entry.uid.as_str(), entry.name.as_str()) {
        ("", "") => None,
        ("", name) => Some(format!("{cluster}//Pod/{}/{name}", entry.namespace)),
        (uid, _) => Some(uid.to_owned()),
    }
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

fn service(
    entry: ServiceEntry,
    field: &Field,
    odd: &mut Vec<Wrong>,
) -> Result<(Service, DestinationService), Wrong> {
    if entry.ports.contains_key(&0) {
        let problem =
            "there is no port 0; only the target of a port may be 0, which leaves it open";
        return Err(Wrong::new(field.key("ports").key("0"), problem));
    }
    let hostname = entry.hostname.0;
    let telemetry =
        DestinationService::new(hostname.as_str(), entry.name, entry.namespace.as_str());
    let name = NamespacedHostname::new(entry.namespace, hostname);
    let mut service = Service::new(name, Ports::from_iter(entry.ports));
    service.addresses = entry.vips.into_iter().map(|vip| vip.0).collect();
    service.ranges = entry
        .cidr_vips
        .into_iter()
        .map(|range| {
            let network = range.network.map(|network| network.0);
            (network.unwrap_or_default(), range.cidr.0)
        })
        .collect();
    let names = entry.subject_alt_names.iter().enumerate();
    let identities = names.filter_map(|(index, name)| match Identity::parse(name) {
        Ok(identity) => Some(identity),
        Err(error) => {
            let field = field.key("subjectAltNames").nth(index);
            odd.push(Wrong::new(
                field,
                format!("{name:?} is no identity, so nobody can have it: {error}"),
            ));
            None
        }
    });
    service.identities = identities.collect();
    service.waypoint = entry.waypoint.map(gateway);
    service.ingress_use_waypoint = entry.ingress_use_waypoint;
    if let Some(entry) = entry.load_balancer {
        service.load_balancing = load_balancing(entry);
    }
    service.families = match entry.ip_families {
        None | Some(IpFamilies::Dual) => AddressFamilies::Dual,
        Some(IpFamilies::V4) => AddressFamilies::V4,
        Some(IpFamilies::V6) => AddressFamilies::V6,
    };
    Ok((service, telemetry))
}

fn load_balancing(entry: LoadBalancerEntry) -> LoadBalancing {
    let mode = match entry.mode {
        Mode::Standard => LoadBalancingMode::Standard,
        Mode::Strict => LoadBalancingMode::Strict,
        Mode::Failover => LoadBalancingMode::Failover,
        Mode::Passthrough => LoadBalancingMode::Passthrough,
    };
    let preferences = entry
        .routing_preferences
        .into_iter()
        .map(|scope| match scope {
            Preference::Region => Scope::Region,
            Preference::Zone => Scope::Zone,
            Preference::Subzone => Scope::Subzone,
            Preference::Node => Scope::Node,
            Preference::Cluster => Scope::Cluster,
            Preference::Network => Scope::Network,
        });
    let mut balancing = LoadBalancing::new(mode, preferences);
    balancing.health = match entry.health_policy {
        document::HealthPolicy::OnlyHealthy => HealthPolicy::OnlyHealthy,
        document::HealthPolicy::AllowAll => HealthPolicy::AllowAll,
    };
    balancing
}

fn gateway(entry: GatewayEntry) -> GatewayAddress {
    let address = match entry.destination.0 {
        Gateway::Address(address) => GatewayAddress::at(address),
        Gateway::Name(name) => GatewayAddress::named(name),
    };
    address.on(entry.hbone_mtls_port)
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
