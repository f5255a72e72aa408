use hbone::Identity;
use hbone::mesh::{
    AddressFamilies, HealthPolicy, LoadBalancing, LoadBalancingMode, NamespacedHostname, Ports,
    Scope, Service,
};
use peer_meta::DestinationService;

use super::document::{
    self, GatewayEntry, IpFamilies, LoadBalancerEntry, Mode, Preference, ServiceEntry,
};
use super::field::Field;
use super::references::Wrong;

/// The service that the entry at `field` tells of, and how metrics name it.
pub(super) fn service(
    mut entry: ServiceEntry,
    field: &Field,
    odd: &mut Vec<Wrong>,
) -> (Service, DestinationService) {
    if entry.ports.0.remove(&0).is_some() {
        let problem =
            "nobody can ask for port 0; only the target of a port may be 0, which leaves it open";
        odd.push(Wrong::new(field.key("ports").key("0"), problem));
    }
    if entry.visibility.is_some() {
        let problem = "it is not looked at: the service is seen from every namespace";
        odd.push(Wrong::new(field.key("visibility"), problem));
    }
    let host = entry.hostname.0;
    let telemetry = DestinationService::new(
        host.written.trim_end_matches('.').to_ascii_lowercase(),
        entry.name,
        entry.namespace.as_str(),
    );
    let name = NamespacedHostname::new(entry.namespace, host.into_name(field, odd));
    let mut service = Service::new(name, Ports::from_iter(entry.ports.0));
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
    service.waypoint = entry.waypoint.map(GatewayEntry::into_address);
    service.ingress_use_waypoint = entry.ingress_use_waypoint;
    if let Some(entry) = entry.load_balancer {
        service.load_balancing = load_balancing(entry);
    }
    service.families = match entry.ip_families {
        None | Some(IpFamilies::Dual) => AddressFamilies::Dual,
        Some(IpFamilies::V4) => AddressFamilies::V4,
        Some(IpFamilies::V6) => AddressFamilies::V6,
    };
    (service, telemetry)
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
