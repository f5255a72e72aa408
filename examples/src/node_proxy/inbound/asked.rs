use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::mesh_file::Site;
use hbone::authorization::Connection;
use hbone::mesh::{Fronted, Local, LocalTarget, NotHere, Service, TunnelProtocol};
use hbone::policy::{Denied, DeniedRange, DestinationPolicy, Opening};
use hbone::{Authority, DenyStatus, Hostname, Identity, Reject};
use peer_meta::DestinationService;
use tokio_hbone::{Addresses, Incoming};

use crate::node_proxy::proxy_header::proxy_header;

/// One CONNECT, and what it means to the workload.
pub(super) struct Asked {
    pub(super) site: Arc<Site>,
    pub(super) addresses: Addresses,
    pub(super) authority: Authority,
    pub(super) localhost_app_tunnel: bool,
    peer: Identity,
    /// The service that the client says it is for.
    named: Option<Hostname>,
    meant: Result<LocalTarget, NotHere>,
}

impl Asked {
    pub(super) fn new(
        site: Arc<Site>,
        incoming: &Incoming,
        addresses: Addresses,
        own_ports: &[u16],
    ) -> Self {
        let connect = incoming.connect();
        let mut local = Local::new(site.workload(), addresses.server.ip().to_canonical());
        local.own_ports = own_ports;
        let meant = local.target(site.mesh(), &connect.authority);
        let forwarded = connect.forwarded.as_ref();
        let named = forwarded.and_then(|forwarded| forwarded.host());
        Self {
            meant,
            addresses,
            authority: connect.authority.clone(),
            localhost_app_tunnel: false,
            peer: incoming.peer().clone(),
            named: named.and_then(|host| Hostname::parse(host).ok()),
            site,
        }
    }

    /// What is to be dialled, if the client may have it.
    pub(super) fn target(&self) -> Result<SocketAddr, Reject> {
        if !self.is_the_workloads() {
            return Err(Reject::NotServedHere);
        }
        let meant = self.meant.as_ref().map_err(Reject::from)?;
        if !self.is_allowed_by(&self.site) {
            return Err(Reject::denied(Denied::Authorization, DenyStatus::Ztunnel));
        }
        let target = meant.target();
        Ok(match self.is_at_localhost() {
            true => SocketAddr::new(loopback(target.ip()), target.port()),
            false => target,
        })
    }

    /// Whether what is dialled listens for the proxy alone, and so only at the loopback address.
    fn is_at_localhost(&self) -> bool {
        let is_told = matches!(
            self.meant,
            Ok(LocalTarget::ApplicationTunnel {
                protocol: TunnelProtocol::Proxy,
                ..
            })
        );
        is_told && self.localhost_app_tunnel
    }

    /// Whether the policies of the mesh let the connection be.
    pub(super) fn is_allowed_by(&self, site: &Site) -> bool {
        let Ok(meant) = &self.meant else {
            return false;
        };
        // A tunnel to the application is one port for all; what counts is the one that was asked for.
        let port = match meant {
            LocalTarget::ApplicationTunnel { .. } => self.authority.port(),
            meant => meant.target().port(),
        };
        let mut connection =
            Connection::new(self.addresses.client, SocketAddr::new(self.local(), port));
        connection.source = Some(&self.peer);
        site.judge(&connection).is_allowed()
    }

    /// What the client can make us dial: the workload's own address, and of the authority only the port. An authority with another
    /// address is for an application's tunnel or a waypoint, and leads to the workload's own address just the same.
    pub(super) fn policy(&self) -> DestinationPolicy {
        let elsewhere = matches!(
            self.meant,
            Ok(LocalTarget::ApplicationTunnel { .. } | LocalTarget::Waypoint { .. })
        );
        let local = self.local();
        let policy = match elsewhere {
            true => DestinationPolicy::allow_any_destination(),
            false => DestinationPolicy::local_only(local).open(Opening::ServiceNames),
        };
        match local.is_loopback() || self.is_at_localhost() {
            true => policy.open(Opening::Range(DeniedRange::Loopback)),
            false => policy,
        }
    }

    /// What an application's tunnel is told before the first byte.
    pub(super) fn header(&self) -> io::Result<Option<Vec<u8>>> {
        match &self.meant {
            Ok(LocalTarget::ApplicationTunnel {
                protocol: TunnelProtocol::Proxy,
                destination: Some(destination),
                ..
            }) => proxy_header(self.addresses.client, *destination, Some(&self.peer)).map(Some),
            _ => Ok(None),
        }
    }

    /// The service that the connection is for, as metrics name it.
    pub(super) fn service(&self) -> Option<Arc<DestinationService>> {
        let service: Option<Arc<Service>> = match self.meant.as_ref().ok()? {
            LocalTarget::Service { service, .. }
            | LocalTarget::ApplicationTunnel {
                service: Some(service),
                ..
            }
            | LocalTarget::Waypoint {
                fronted: Fronted::Service { service, .. },
                ..
            } => Some(Arc::clone(service)),
            meant => Local::new(self.site.workload(), self.local()).service(
                self.site.mesh(),
                meant.target().port(),
                self.named.as_ref(),
            ),
        };
        self.site.file().destination_service(&*service?)
    }

    /// Whether the address that was connected to is the workload's. A file that says none leaves it to the network.
    fn is_the_workloads(&self) -> bool {
        let workload = self.site.workload();
        let own = &workload.addresses;
        own.is_empty() || workload.host_network || own.contains(&self.local())
    }

    fn local(&self) -> IpAddr {
        self.addresses.server.ip().to_canonical()
    }
}

/// The loopback address of the same family.
fn loopback(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}
