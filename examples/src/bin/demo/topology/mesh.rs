use serde_json::{Map, Value, json};

use super::{EASTWEST, PARTIES, Party, Place, SERVICES, Service};

/// The mesh file of one cluster.
///
/// As each cluster's istiod does, it tells all about what is in the cluster's own network, and of what is in the other one no more
/// than by which gateway it is reached and how much of it there is.
pub(crate) fn mesh(place: Place) -> Value {
    let is_told = |party: &&Party| party.place == place || **party == EASTWEST;
    let parties = PARTIES.iter().filter(is_told).map(workload);
    let elsewhere = SERVICES
        .iter()
        .filter(|service| service.place != place && is_exported(service));
    let workloads: Vec<_> = parties.chain(elsewhere.clone().map(stand_in)).collect();
    let here = SERVICES.iter().filter(|service| service.place == place);
    let services: Vec<_> = here
        .chain(elsewhere)
        .map(|service| described(service, place))
        .collect();
    json!({ "workloads": workloads, "services": services })
}

/// Only network b has an east-west gateway.
fn is_exported(service: &Service) -> bool {
    service.place == EASTWEST.place
}

fn workload(party: &Party) -> Value {
    let services: Map<_, _> = SERVICES
        .iter()
        .filter(|service| service.endpoints().any(|endpoint| endpoint == party))
        .map(membership)
        .collect();
    json!({
        "uid": party.uid(),
        "name": party.name,
        "namespace": party.namespace,
        "serviceAccount": party.app,
        "workloadIps": [party.ip()],
        "network": party.place.network,
        "protocol": "HBONE",
        "workloadName": party.name,
        "workloadType": "deployment",
        "canonicalName": party.app,
        "canonicalRevision": party.version(),
        "clusterId": party.place.cluster,
        "locality": { "region": party.place.region, "zone": format!("{}a", party.place.region) },
        "services": services,
    })
}

/// What stands for all endpoints of a service in another network.
fn stand_in(service: &Service) -> Value {
    let Place {
        network, cluster, ..
    } = service.place;
    json!({
        "uid": format!("{cluster}/SplitHorizonWorkload/shop/{}/{network}", service.name),
        "name": format!("{}-{network}", service.name),
        "namespace": "shop",
        "serviceAccount": service.name,
        "network": network,
        "networkGateway": gateway_address(&EASTWEST),
        "protocol": "HBONE",
        "clusterId": cluster,
        "capacity": service.endpoints().count(),
        "services": Map::from_iter([membership(service)]),
    })
}

fn membership(service: &Service) -> (String, Value) {
    let port = service.port();
    let ports = Map::from_iter([(port.to_string(), port.into())]);
    (format!("shop/{}", service.host()), ports.into())
}

fn described(service: &Service, place: Place) -> Value {
    let port = service.port();
    let mut described = json!({
        "name": service.name,
        "namespace": "shop",
        "hostname": service.host(),
        "ports": Map::from_iter([(port.to_string(), Value::from(port))]),
        "subjectAltNames": service.endpoints().take(1).map(Party::spiffe_id).collect::<Vec<_>>(),
    });
    let waypoint = PARTIES
        .iter()
        .find(|party| service.waypoint == Some(party.name) && party.place == place);
    if let Some(waypoint) = waypoint {
        described["waypoint"] = gateway_address(waypoint);
    }
    described
}

fn gateway_address(party: &Party) -> Value {
    let destination = format!("{}/{}", party.place.network, party.ip());
    json!({ "destination": destination, "hboneMtlsPort": hbone::PORT })
}
