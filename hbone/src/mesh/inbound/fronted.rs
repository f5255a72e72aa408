use std::sync::Arc;

use super::NotHere;
use crate::Authority;
use crate::mesh::asked::{Asked, named};
use crate::mesh::upstream::is_instance;
use crate::mesh::{Directory, GatewayAddress, NetworkAddress, Service, Workload};

/// What a waypoint stands before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fronted {
    /// A port of a service.
    Service {
        /// The service.
        service: Arc<Service>,
        /// The service port.
        port: u16,
    },
    /// A port of a workload.
    Workload {
        /// The workload.
        workload: Arc<Workload>,
        /// The port.
        port: u16,
    },
}

/// What a CONNECT to `authority` asks of the waypoint: a service or a workload that has it as its waypoint.
///
/// An address is looked up in the waypoint's own network. Where the traffic goes next is a new plan, made by the waypoint
/// as the source.
///
/// # Errors
///
/// Nothing has the name or the address, it has another waypoint, or the service does not expose the port.
pub fn fronted(
    directory: &dyn Directory,
    waypoint: &Workload,
    authority: &Authority,
) -> Result<Fronted, NotHere> {
    let ours = |gateway: Option<&GatewayAddress>| {
        gateway.is_some_and(|gateway| is_instance(directory, waypoint, gateway))
    };
    let by_us = |gateway: Option<&GatewayAddress>, destination: &dyn ToString| {
        let ours = ours(gateway).then_some(());
        ours.ok_or_else(|| NotHere::NotItsWaypoint {
            destination: destination.to_string(),
        })
    };
    let service = match authority {
        Authority::Name { host, .. } => named(directory, host, waypoint, |service| {
            ours(service.waypoint.as_ref())
        })?,
        Authority::Addr(address) => {
            let key = NetworkAddress::new(waypoint.network.clone(), address.ip());
            match (directory.service_at(&key), directory.workload_at(&key)) {
                (Some(service), _) => service,
                (None, Some(workload)) => {
                    by_us(workload.waypoint.as_ref(), &workload.uid)?;
                    let port = address.port();
                    return Ok(Fronted::Workload { workload, port });
                }
                (None, None) => {
                    return Err(NotHere::Unknown {
                        authority: authority.clone(),
                    });
                }
            }
        }
    };
    by_us(service.waypoint.as_ref(), &service.name)?;
    let Asked { service, port, .. } = Asked::new(service, authority.port(), None)?;
    Ok(Fronted::Service {
        service,
        port: port.get(),
    })
}
