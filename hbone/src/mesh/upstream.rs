use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::choice::{Need, Reach, choose, fit};
use super::{
    AddressFamilies, Directory, Endpoint, Entropy, GatewayAddress, GatewayDestination,
    NetworkAddress, NoRoute, Service, Workload,
};
use crate::{Expected, ExpectedIdentities};

/// A waypoint or a network gateway, found and chosen.
#[derive(Debug)]
pub(super) struct Upstream {
    /// The instance chosen, or one of them where the network chooses.
    pub(super) workload: Arc<Workload>,
    /// What is dialled; `None` for what only a gateway reaches.
    pub(super) address: Option<SocketAddr>,
    /// The service it was found as.
    pub(super) service: Option<Arc<Service>>,
    /// Who may answer at `address`.
    pub(super) identities: ExpectedIdentities,
}

/// One of a waypoint's instances.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) workload: Arc<Workload>,
    /// What is dialled; `None` for what only a gateway reaches.
    pub(super) address: Option<SocketAddr>,
    pub(super) weight: u32,
}

/// How a gateway is looked for.
pub(super) struct Search<'a> {
    pub(super) directory: &'a dyn Directory,
    /// Who asks.
    pub(super) source: &'a Workload,
    /// Where it may be.
    pub(super) reach: Reach,
    /// An address of the family to prefer.
    pub(super) like: Option<IpAddr>,
}

impl Search<'_> {
    /// Finds the gateway and chooses an instance. `None` if the directory knows nothing of the address.
    pub(super) fn find(
        &self,
        gateway: &GatewayAddress,
        entropy: &mut Entropy,
    ) -> Result<Option<Upstream>, NoRoute> {
        let port = gateway.hbone_port;
        match &gateway.destination {
            GatewayDestination::Address(key) => match self.directory.service_at(key) {
                Some(service) if self.reach == Reach::Anywhere => {
                    self.behind_address(service, key, port).map(Some)
                }
                Some(service) => self.instance(service, port, entropy).map(Some),
                None => {
                    let found = self.directory.workload_at(key);
                    Ok(found.map(|workload| self.single(workload, Some(key.ip()), port)))
                }
            },
            GatewayDestination::Hostname(name) => match self.directory.service(name) {
                Some(service) => self.instance(service, port, entropy).map(Some),
                None => {
                    let found = self.directory.workload_named(name);
                    Ok(found.map(|workload| self.single(workload, None, port)))
                }
            },
        }
    }

    /// All instances of a waypoint in reach among which the weights decide, each with its weight and what is dialled. `None` if
    /// the directory knows nothing of the address.
    pub(super) fn every(
        &self,
        waypoint: &GatewayAddress,
    ) -> Result<Option<Vec<Instance>>, NoRoute> {
        let port = waypoint.hbone_port;
        let (service, single, ip) = match &waypoint.destination {
            GatewayDestination::Address(key) => {
                let directory = self.directory;
                let ip = Some(key.ip());
                (directory.service_at(key), directory.workload_at(key), ip)
            }
            GatewayDestination::Hostname(name) => {
                let directory = self.directory;
                (
                    directory.service(name),
                    directory.workload_named(name),
                    None,
                )
            }
        };
        let Some(service) = service else {
            let found = single.map(|workload| self.single(workload, ip, port));
            return Ok(found.map(|found| {
                vec![Instance {
                    workload: found.workload,
                    address: found.address,
                    weight: 1,
                }]
            }));
        };
        let endpoints = self.directory.endpoints(&service);
        let need = Need {
            port: None,
            reach: self.reach,
            hbone: false,
        };
        let fit = fit(&service, &endpoints, self.source, need)?;
        let every = fit.into_iter().map(|endpoint| {
            let ip = dial_ip(&endpoint.workload, service.families, self.like);
            let port = endpoint.target(&service, port).unwrap_or(port);
            Instance {
                workload: endpoint.workload.clone(),
                address: self.in_reach(&endpoint.workload, ip, port),
                weight: endpoint.weight,
            }
        });
        Ok(Some(every.collect()))
    }

    /// The same, each with its weight and who may answer there.
    pub(super) fn every_upstream(
        &self,
        waypoint: &GatewayAddress,
    ) -> Result<Option<Vec<(Upstream, u32)>>, NoRoute> {
        let service = match &waypoint.destination {
            GatewayDestination::Address(key) => self.directory.service_at(key),
            GatewayDestination::Hostname(name) => self.directory.service(name),
        };
        let upstream = |instance: Instance| Upstream {
            identities: identities(&instance.workload, service.as_deref()),
            service: service.clone(),
            workload: instance.workload,
            address: instance.address,
        };
        let every = self.every(waypoint)?;
        Ok(every.map(|every| {
            every
                .into_iter()
                .map(|instance| (instance.weight, instance))
                .map(|(weight, instance)| (upstream(instance), weight))
                .collect()
        }))
    }

    /// A gateway's own virtual address is dialled as it is: what is behind it, the network chooses, and any of them
    /// may answer.
    fn behind_address(
        &self,
        service: Arc<Service>,
        key: &NetworkAddress,
        port: u16,
    ) -> Result<Upstream, NoRoute> {
        let endpoints = self.directory.endpoints(&service);
        let Some(first) = endpoints.first() else {
            return Err(NoRoute::Unpopulated {
                service: service.name.clone(),
            });
        };
        let members = endpoints
            .iter()
            .map(|endpoint| Expected::Identity(endpoint.workload.identity.clone()));
        Ok(Upstream {
            workload: first.workload.clone(),
            address: Some(SocketAddr::new(key.ip(), port)),
            identities: members.chain(service.identities.iter().cloned()).collect(),
            service: Some(service),
        })
    }

    /// One endpoint of the gateway's service.
    fn instance(
        &self,
        service: Arc<Service>,
        port: u16,
        entropy: &mut Entropy,
    ) -> Result<Upstream, NoRoute> {
        let endpoints = self.directory.endpoints(&service);
        let need = Need {
            port: None,
            reach: self.reach,
            hbone: false,
        };
        let endpoint = choose(&service, &endpoints, self.source, need, entropy)?;
        let Endpoint { workload, .. } = endpoint;
        let port = endpoint.target(&service, port).unwrap_or(port);
        let ip = dial_ip(workload, service.families, self.like);
        Ok(Upstream {
            address: self.in_reach(workload, ip, port),
            identities: identities(workload, Some(&service)),
            workload: workload.clone(),
            service: Some(service),
        })
    }

    /// A gateway that is a workload and no service.
    fn single(&self, workload: Arc<Workload>, ip: Option<IpAddr>, port: u16) -> Upstream {
        let ip = ip.or_else(|| dial_ip(&workload, AddressFamilies::Dual, self.like));
        Upstream {
            address: self.in_reach(&workload, ip, port),
            identities: identities(&workload, None),
            workload,
            service: None,
        }
    }

    fn in_reach(&self, workload: &Workload, ip: Option<IpAddr>, port: u16) -> Option<SocketAddr> {
        ip.filter(|_| self.reach.dials(self.source, workload))
            .map(|ip| SocketAddr::new(ip, port))
    }
}

/// Whether the workload is (one of the instances of) the gateway.
pub(super) fn is_instance(
    directory: &dyn Directory,
    workload: &Workload,
    gateway: &GatewayAddress,
) -> bool {
    let (service, single) = match &gateway.destination {
        GatewayDestination::Address(key) => (directory.service_at(key), directory.workload_at(key)),
        GatewayDestination::Hostname(name) => {
            (directory.service(name), directory.workload_named(name))
        }
    };
    match service {
        Some(service) => {
            let endpoints = directory.endpoints(&service);
            let mut members = endpoints.iter();
            members.any(|endpoint| endpoint.workload.uid == workload.uid)
        }
        None => single.is_some_and(|single| single.uid == workload.uid),
    }
}

/// The address of the workload to dial: the first that the service allows of the family asked for, else the first that
/// it allows.
pub(super) fn dial_ip(
    workload: &Workload,
    families: AddressFamilies,
    like: Option<IpAddr>,
) -> Option<IpAddr> {
    let allowed = || workload.ips().filter(|ip| families.contains(*ip));
    let same = allowed().find(|ip| like.is_some_and(|like| like.is_ipv6() == ip.is_ipv6()));
    same.or_else(|| allowed().next())
}

/// Who may answer for the workload, reached as an endpoint of the service.
pub(super) fn identities(workload: &Workload, service: Option<&Service>) -> ExpectedIdentities {
    let own = Expected::Identity(workload.identity.clone());
    match service {
        Some(service) => [own]
            .into_iter()
            .chain(service.identities.iter().cloned())
            .collect(),
        None => own.into(),
    }
}
