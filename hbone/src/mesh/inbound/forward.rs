use std::net::SocketAddr;
use std::sync::Arc;

use super::NotHere;
use crate::mesh::asked::{Asked, named};
use crate::mesh::choice::{Need, Reach, choose};
use crate::mesh::plan::dialled;
use crate::mesh::source::waypoint_applies;
use crate::mesh::upstream::{Search, dial_ip};
use crate::mesh::{Directory, Entropy, NetworkAddress, NoRoute, Service, Workload};
use crate::{Authority, IstioSource, PORT};

/// Where an east-west gateway carries the bytes of one outer tunnel, unopened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forward {
    /// What is dialled over TCP. The inner TLS begins there, not here.
    pub address: SocketAddr,
    /// Who is there: an endpoint of the service, or its waypoint.
    pub receiver: Arc<Workload>,
    /// The service asked for.
    pub service: Arc<Service>,
    /// Whether the receiver is the service's waypoint.
    pub waypoint: bool,
}

/// Where an east-west gateway sends an outer CONNECT to `authority`: one choice a tunnel.
///
/// `source` is what the sender says it is (`x-istio-source`): traffic of a waypoint goes straight to the service, that of an
/// ingress gateway through the service's waypoint if the service asks for that, everybody else's through the waypoint.
/// Only workloads of the gateway's own network that speak HBONE are chosen: a gateway never sends on to another gateway.
///
/// # Errors
///
/// Nothing has the name or the address, the service does not expose the port, or nobody in this network can take it.
pub fn forward(
    directory: &dyn Directory,
    gateway: &Workload,
    authority: &Authority,
    source: Option<IstioSource>,
    mut entropy: Entropy,
) -> Result<Forward, NotHere> {
    let asked = asked(directory, gateway, authority)?;
    let service = asked.service.clone();
    if let Some(address) = &service.waypoint
        && waypoint_applies(source, &service)
    {
        let search = Search {
            directory,
            source: gateway,
            reach: Reach::Here,
            like: gateway.ips().next(),
        };
        let found = search.find(address, &mut entropy)?;
        let waypoint = found.ok_or_else(|| NoRoute::UnknownWaypoint {
            waypoint: address.clone(),
            of: service.name.to_string(),
        })?;
        return Ok(Forward {
            address: dialled(waypoint.address, &waypoint.workload)?,
            receiver: waypoint.workload,
            service,
            waypoint: true,
        });
    }
    let endpoints = directory.endpoints(&service);
    let need = Need {
        port: Some(asked.port.get()),
        reach: Reach::Here,
        hbone: true,
    };
    let endpoint = choose(&service, &endpoints, gateway, need, &mut entropy)?;
    let ip = dial_ip(&endpoint.workload, service.families, gateway.ips().next());
    let address = ip.map(|ip| SocketAddr::new(ip, PORT));
    Ok(Forward {
        address: dialled(address, &endpoint.workload)?,
        receiver: endpoint.workload.clone(),
        service,
        waypoint: false,
    })
}

/// The name is what other networks send; an address is one of the gateway's own network.
fn asked(
    directory: &dyn Directory,
    gateway: &Workload,
    authority: &Authority,
) -> Result<Asked, NotHere> {
    let service = match authority {
        Authority::Name { host, .. } => named(directory, host, gateway, |_| true)?,
        Authority::Addr(address) => {
            let key = NetworkAddress::new(gateway.network.clone(), address.ip());
            directory.service_at(&key).ok_or_else(|| NotHere::Unknown {
                authority: authority.clone(),
            })?
        }
    };
    Ok(Asked::new(service, authority.port(), None)?)
}
