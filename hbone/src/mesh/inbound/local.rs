use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;

use super::{Fronted, NotHere, fronted};
use crate::mesh::asked::{Asked, named};
use crate::mesh::upstream::is_instance;
use crate::mesh::{Directory, Endpoint, NoRoute, Service, TunnelProtocol, Workload};
use crate::{Authority, Hostname};

/// A workload whose node proxy received a CONNECT on its behalf (ztunnel's inbound job).
///
/// Specification: HBONE-S-004, HBONE-H-005.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Local<'a> {
    /// The workload.
    pub workload: &'a Workload,
    /// The address that the client connected to: what the kernel says, not what the client does.
    pub address: IpAddr,
    /// The proxy's own ports, which are never dialled: it would be talking to itself.
    pub own_ports: &'a [u16],
}

/// What a CONNECT asks of a workload. Whatever the authority is, the address dialled is the workload's own; the authority
/// supplies the port.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalTarget {
    /// The application wants to be told where the traffic was going.
    ApplicationTunnel {
        /// What is dialled.
        target: SocketAddr,
        /// How it is told.
        protocol: TunnelProtocol,
        /// Where the traffic was going; `None` under [`TunnelProtocol::None`] if only a name is known.
        destination: Option<SocketAddr>,
        /// The service, if it was asked for by name.
        service: Option<Arc<Service>>,
    },
    /// A port of its own address.
    Own {
        /// What is dialled.
        target: SocketAddr,
    },
    /// A port of a service that it is an endpoint of.
    Service {
        /// What is dialled: the port that serves the service port.
        target: SocketAddr,
        /// The service.
        service: Arc<Service>,
    },
    /// A port of something whose waypoint it is.
    Waypoint {
        /// What is dialled: the port asked for, on the waypoint.
        target: SocketAddr,
        /// What the waypoint stands before.
        fronted: Fronted,
    },
}

impl LocalTarget {
    /// What is dialled.
    pub fn target(&self) -> SocketAddr {
        match self {
            Self::ApplicationTunnel { target, .. }
            | Self::Own { target }
            | Self::Service { target, .. }
            | Self::Waypoint { target, .. } => *target,
        }
    }
}

impl<'a> Local<'a> {
    /// ztunnel's own ports: outbound, plain inbound, HBONE. Its SOCKS5 port is 15080.
    pub const OWN_PORTS: &'static [u16] = &[15001, 15006, crate::PORT];

    /// `workload`, connected to at `address`.
    pub fn new(workload: &'a Workload, address: IpAddr) -> Self {
        Self {
            workload,
            address,
            own_ports: Self::OWN_PORTS,
        }
    }

    /// What a CONNECT to `authority` asks of the workload.
    ///
    /// # Errors
    ///
    /// The authority is not for it, or leads to no port of it, or to a port of the proxy.
    pub fn target(
        &self,
        directory: &dyn Directory,
        authority: &Authority,
    ) -> Result<LocalTarget, NotHere> {
        let meant = match authority {
            Authority::Addr(address) => self.by_address(directory, authority, *address),
            Authority::Name { host, .. } => self.by_name(directory, authority, host),
        }?;
        let port = meant.target().port();
        if self.own_ports.contains(&port) {
            return Err(NotHere::OwnPort { port });
        }
        self.told(meant, authority)
    }

    /// The service that traffic to a port of the workload is most likely for: the one that the client names (`host` in
    /// `forwarded`) if the workload is an endpoint of it, else the first with that target port. Fit for
    /// telemetry, not for decisions.
    pub fn service(
        &self,
        directory: &dyn Directory,
        port: u16,
        named: Option<&Hostname>,
    ) -> Option<Arc<Service>> {
        let own = || {
            let names = self.workload.services.keys();
            names.filter_map(|name| directory.service(name))
        };
        let by_port = || {
            own().find(|service| {
                let endpoint = self.endpoint(directory, service);
                let mut ports = service.ports.iter().map(|(service_port, _)| service_port);
                endpoint.is_some_and(|endpoint| {
                    ports.any(|service_port| endpoint.target(service, service_port) == Some(port))
                })
            })
        };
        let by_name = named.and_then(|hostname| own().find(|own| own.hostname() == hostname));
        by_name.or_else(by_port)
    }

    fn by_address(
        &self,
        directory: &dyn Directory,
        authority: &Authority,
        address: SocketAddr,
    ) -> Result<LocalTarget, NotHere> {
        let target = self.on(address.port());
        // whoever has a tunnel of its own is told the authority, and judges it
        if address.ip().to_canonical() == target.ip() || self.workload.application_tunnel.is_some()
        {
            return Ok(LocalTarget::Own { target });
        }
        match fronted(directory, self.workload, authority) {
            Ok(fronted) => Ok(LocalTarget::Waypoint { target, fronted }),
            Err(NotHere::Unknown { authority }) => Err(NotHere::Mismatch {
                authority,
                workload: self.workload.uid.to_string(),
            }),
            Err(other) => Err(other),
        }
    }

    fn by_name(
        &self,
        directory: &dyn Directory,
        authority: &Authority,
        host: &Hostname,
    ) -> Result<LocalTarget, NotHere> {
        let service = named(directory, host, self.workload, |service| {
            let waypoint = service.waypoint.as_ref();
            self.endpoint(directory, service).is_some()
                || waypoint.is_some_and(|gateway| is_instance(directory, self.workload, gateway))
        })?;
        let Some(endpoint) = self.endpoint(directory, &service) else {
            return match fronted(directory, self.workload, authority) {
                Ok(fronted) => Ok(LocalTarget::Waypoint {
                    target: self.on(authority.port()),
                    fronted,
                }),
                Err(NotHere::NotItsWaypoint { .. }) => Err(NotHere::NotAnEndpoint {
                    service: service.name.clone(),
                    workload: self.workload.uid.to_string(),
                }),
                Err(other) => Err(other),
            };
        };
        let Asked { service, port, .. } = Asked::new(service, authority.port(), None)?;
        let Some(target) = endpoint.target(&service, port.get()) else {
            return Err(NotHere::NoRoute(NoRoute::NoEndpointForPort {
                service: service.name.clone(),
                port: port.get(),
            }));
        };
        Ok(LocalTarget::Service {
            target: self.on(target),
            service,
        })
    }

    /// Hands the traffic to the application's tunnel, if there is one.
    fn told(&self, meant: LocalTarget, authority: &Authority) -> Result<LocalTarget, NotHere> {
        let Some(tunnel) = self.workload.application_tunnel else {
            return Ok(meant);
        };
        let port = tunnel
            .port
            .map_or_else(|| meant.target().port(), NonZeroU16::get);
        let service = match meant {
            LocalTarget::Service { service, .. }
            | LocalTarget::Waypoint {
                fronted: Fronted::Service { service, .. },
                ..
            } => Some(service),
            _ => None,
        };
        let destination = match (authority, &service) {
            (Authority::Addr(address), _) => Some(*address),
            (Authority::Name { .. }, Some(service)) => self.told_address(service, authority.port()),
            (Authority::Name { .. }, None) => None,
        };
        match (tunnel.protocol, destination, &service) {
            (TunnelProtocol::Proxy, None, Some(service)) => Err(NotHere::Unaddressed {
                service: service.name.clone(),
            }),
            _ => Ok(LocalTarget::ApplicationTunnel {
                target: self.on(port),
                protocol: tunnel.protocol,
                destination,
                service,
            }),
        }
    }

    /// The address under which the application may know the service: one of its own network first, then an IPv4 one.
    fn told_address(&self, service: &Service, port: u16) -> Option<SocketAddr> {
        let best = service.addresses.iter().max_by_key(|address| {
            let own = *address.network() == self.workload.network;
            (own, address.ip().is_ipv4())
        });
        best.map(|address| SocketAddr::new(address.ip(), port))
    }

    fn endpoint(&self, directory: &dyn Directory, service: &Service) -> Option<Endpoint> {
        let endpoints = directory.endpoints(service);
        let mut endpoints = endpoints.iter();
        let own = endpoints.find(|endpoint| endpoint.workload.uid == self.workload.uid);
        own.cloned()
    }

    fn on(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address.to_canonical(), port)
    }
}
