use super::{PARTIES, PLACES, Party, Place, SERVICES, Service};
use crate::ui::{Cluster, Endpoint, Network, Picture, Proxy, ProxyKind, Workload};

/// What there is to draw.
pub(crate) fn picture() -> Picture {
    let applications = PARTIES.iter().filter(|party| party.is_application());
    Picture {
        networks: PLACES.map(network).into(),
        proxies: PARTIES.iter().map(proxy).collect(),
        workloads: applications.map(workload).collect(),
        endpoints: SERVICES.iter().flat_map(endpoints).collect(),
    }
}

fn network(place: Place) -> Network {
    Network {
        name: place.network.to_owned(),
        clusters: vec![Cluster {
            name: place.cluster.to_owned(),
        }],
    }
}

fn proxy(party: &Party) -> Proxy {
    let address = match party.kind {
        ProxyKind::IngressGateway => party.http(),
        _ => party.hbone(),
    };
    Proxy {
        name: party.name.to_owned(),
        kind: party.kind,
        cluster: party.place.cluster.to_owned(),
        address: address.to_string(),
        metrics: format!("http://{}/metrics", party.metrics()),
        namespace: party.namespace.to_owned(),
        workload: party.name.to_owned(),
    }
}

fn workload(party: &Party) -> Workload {
    Workload {
        cluster: party.place.cluster.to_owned(),
        namespace: party.namespace.to_owned(),
        name: party.name.to_owned(),
        identity: party.spiffe_id(),
    }
}

fn endpoints(service: &Service) -> Vec<Endpoint> {
    let endpoint = |party: &Party| Endpoint {
        name: party.name.to_owned(),
        service: service.host(),
        address: party.at(service.port()).to_string(),
        proxy: party.name.to_owned(),
    };
    service.endpoints().map(endpoint).collect()
}
