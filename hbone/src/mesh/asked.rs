use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use super::{Directory, NoRoute, Service, Workload};
use crate::{Authority, Hostname, Network};

/// A service, one of its ports, and the address under which it was asked for, if it was one.
pub(super) struct Asked {
    pub(super) service: Arc<Service>,
    pub(super) port: NonZeroU16,
    pub(super) address: Option<SocketAddr>,
}

impl Asked {
    /// Refuses a port that the service does not expose.
    pub(super) fn new(
        service: Arc<Service>,
        port: u16,
        address: Option<SocketAddr>,
    ) -> Result<Self, NoRoute> {
        match NonZeroU16::new(port).filter(|port| service.ports.exposes(port.get())) {
            Some(port) => Ok(Self {
                service,
                port,
                address,
            }),
            None => Err(NoRoute::PortNotExposed {
                service: service.name.clone(),
                port,
                exposed: service.ports.iter().map(|(port, _)| port).collect(),
            }),
        }
    }

    /// What goes over a network's border: the name.
    pub(super) fn by_name(&self) -> Authority {
        (self.service.hostname().clone(), self.port).into()
    }

    /// What a waypoint in `network` is told: the address asked for. A service asked for by name is told by its address in
    /// that network, as clients that resolve the name would; one without an address, by name.
    pub(super) fn by_address(&self, network: &Network) -> Authority {
        let mut addresses = self.service.addresses.iter();
        let own = addresses.find(|address| address.network() == network);
        let own = own.map(|address| SocketAddr::new(address.ip(), self.port.get()));
        match self.address.or(own) {
            Some(address) => address.into(),
            None => self.by_name(),
        }
    }
}

/// The service that is meant by a host name. Namespaces may share one: then a service that fits goes first, and among
/// equals that of the asker's own namespace, and then the directory's first.
pub(super) fn named(
    directory: &dyn Directory,
    hostname: &Hostname,
    asker: &Workload,
    fits: impl Fn(&Service) -> bool,
) -> Result<Arc<Service>, NoRoute> {
    let services = directory.services_with_hostname(hostname).into_iter();
    services
        .min_by_key(|service| {
            (
                !fits(service),
                service.name.namespace() != asker.namespace(),
            )
        })
        .ok_or_else(|| NoRoute::UnknownService {
            hostname: hostname.clone(),
        })
}

/// Whether the asker may use the service. A question for whoever sends: those who receive serve what they are part of.
pub(super) fn visible(service: &Service, asker: &Workload) -> Result<(), NoRoute> {
    if service.visible_to(asker.namespace()) {
        return Ok(());
    }
    Err(NoRoute::Unseen {
        service: service.name.clone(),
        namespace: asker.namespace().to_owned(),
    })
}
