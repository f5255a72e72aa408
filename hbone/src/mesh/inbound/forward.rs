use std::net::SocketAddr;
use std::sync::Arc;

use super::NotHere;
use crate::mesh::asked::{Asked, named};
use crate::mesh::choice::{Need, Reach, fit};
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

/// Where an east-west gateway may carry the bytes of one outer tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidates {
    /// Whom they may be carried to: at least one, in the directory's order.
    pub list: Vec<Candidate>,
    /// The service asked for.
    pub service: Arc<Service>,
    /// Whether they are its waypoint's instances.
    pub waypoint: bool,
}

/// One of those to whom an east-west gateway may carry the bytes of an outer tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// What is dialled over TCP.
    pub address: SocketAddr,
    /// Who is there.
    pub receiver: Arc<Workload>,
    /// Its weight. 0 takes part only where all are 0.
    pub weight: u32,
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
///
/// Specification: HBONE-G-001, HBONE-G-002, HBONE-G-004, HBONE-G-006.
pub fn forward(
    directory: &dyn Directory,
    gateway: &Workload,
    authority: &Authority,
    source: Option<IstioSource>,
    mut entropy: Entropy,
) -> Result<Forward, NotHere> {
    let candidates = candidates(directory, gateway, authority, source)?;
    let weights = candidates.list.iter().map(|candidate| candidate.weight);
    let chosen = entropy.weighted(weights);
    let chosen = chosen.and_then(|index| candidates.list.get(index));
    let Candidate {
        address, receiver, ..
    } = chosen.cloned().ok_or_else(|| NoRoute::Unpopulated {
        service: candidates.service.name.clone(),
    })?;
    Ok(Forward {
        address,
        receiver,
        service: candidates.service,
        waypoint: candidates.waypoint,
    })
}

/// All to whom an east-west gateway may send an outer CONNECT, for one that has a choice of its own to make
/// ([`Turns`](crate::mesh::Turns)): those among which [`forward`] lets the weights decide.
///
/// # Errors
///
/// As [`forward`].
pub fn candidates(
    directory: &dyn Directory,
    gateway: &Workload,
    authority: &Authority,
    source: Option<IstioSource>,
) -> Result<Candidates, NotHere> {
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
        let every = search.every(address)?;
        let every = every.ok_or_else(|| NoRoute::UnknownWaypoint {
            waypoint: address.clone(),
            of: service.name.to_string(),
        })?;
        return Ok(Candidates {
            list: every
                .into_iter()
                .map(|one| addressed(one.workload, one.weight, one.address))
                .collect::<Result<_, _>>()?,
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
    let fit = fit(&service, &endpoints, gateway, need)?;
    let list = fit.into_iter().map(|endpoint| {
        let ip = dial_ip(&endpoint.workload, service.families, gateway.ips().next());
        let address = ip.map(|ip| SocketAddr::new(ip, PORT));
        addressed(endpoint.workload.clone(), endpoint.weight, address)
    });
    Ok(Candidates {
        list: list.collect::<Result<_, _>>()?,
        service,
        waypoint: false,
    })
}

impl Candidate {
    /// `receiver` at `address`, with this weight.
    pub const fn new(address: SocketAddr, receiver: Arc<Workload>, weight: u32) -> Self {
        Self {
            address,
            receiver,
            weight,
        }
    }
}

fn addressed(
    receiver: Arc<Workload>,
    weight: u32,
    address: Option<SocketAddr>,
) -> Result<Candidate, NoRoute> {
    let address = dialled(address, &receiver)?;
    Ok(Candidate::new(address, receiver, weight))
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
