use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;

use super::asked::{Asked, named, visible};
use super::choice::{Need, Reach, choose, fit};
use super::plan::dialled;
use super::source::waypoint_applies;
use super::upstream::{Search, Upstream, dial_ip, is_instance};
use super::{
    Directory, Endpoint, Entropy, GatewayAddress, Leg, LoadBalancingMode, NetworkAddress, NoRoute,
    Plan, Service, Source, Way, WeightedPlan, Workload,
};
use crate::{Authority, ExpectedIdentities, Hostname, IstioSource, Position};

/// Plans the way from `source` to `destination`.
///
/// An address is looked up in the source's network, services first; a name is that of a service. An address that the mesh
/// does not know is reached as it is. The rows of `docs/routing.md` say what comes out when. Equal arguments
/// give equal plans.
///
/// # Errors
///
/// A [`NoRoute`] where the mesh knows the destination and knows of no way to it.
///
/// Specification: HBONE-C-003, HBONE-C-004, HBONE-D-001, HBONE-D-003, HBONE-D-004.
pub fn plan(
    directory: &dyn Directory,
    source: Source<'_>,
    destination: &Authority,
    entropy: Entropy,
) -> Result<Plan, NoRoute> {
    let mut planner = Planner {
        directory,
        source,
        entropy,
    };
    match destination {
        Authority::Addr(address) => planner.reach_address(*address),
        Authority::Name { host, port } => planner.reach_name(host, *port),
    }
}

/// Every way from `source` to a port of `service` among which the weights decide, for a proxy that has a choice of its own to make
/// ([`Turns`](crate::mesh::Turns)) or more than one request to place: to each endpoint, or to each instance of the waypoint that the
/// source has to pass. At least one, in the directory's order. An endpoint that only a gateway reaches is a way of its own, even where
/// several share the gateway.
///
/// The service is given rather than named, so its visibility is not asked. `entropy` chooses among several gateways of one network.
///
/// # Errors
///
/// A [`NoRoute`], if there is none.
pub fn plan_all(
    directory: &dyn Directory,
    source: Source<'_>,
    service: &Arc<Service>,
    port: u16,
    entropy: Entropy,
) -> Result<Vec<WeightedPlan>, NoRoute> {
    let mut planner = Planner {
        directory,
        source,
        entropy,
    };
    planner.every_way(&Asked::new(service.clone(), port, None)?)
}

struct Planner<'a> {
    directory: &'a dyn Directory,
    source: Source<'a>,
    entropy: Entropy,
}

impl<'a> Planner<'a> {
    fn reach_address(&mut self, address: SocketAddr) -> Result<Plan, NoRoute> {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let key = NetworkAddress::new(self.source.workload.network.clone(), address.ip());
        if let Some(service) = self.directory.service_at(&key) {
            visible(&service, self.source.workload)?;
            let untouched = service.load_balancing.mode == LoadBalancingMode::Passthrough;
            if untouched && self.waypoint_of(&service).is_none() {
                return Ok(Plan::passthrough(address, Some(service)));
            }
            return self.reach_service(&Asked::new(service, address.port(), Some(address))?);
        }
        match self.directory.workload_at(&key) {
            Some(workload) => self.reach_workload(workload, address),
            None => Ok(Plan::passthrough(address, None)),
        }
    }

    fn reach_name(&mut self, hostname: &Hostname, port: NonZeroU16) -> Result<Plan, NoRoute> {
        let source = self.source.workload;
        let service = named(self.directory, hostname, source, |service| {
            service.visible_to(source.namespace())
        })?;
        visible(&service, source)?;
        self.reach_service(&Asked::new(service, port.get(), None)?)
    }

    fn reach_service(&mut self, asked: &Asked) -> Result<Plan, NoRoute> {
        let service = &asked.service;
        if let Some(waypoint) = self.waypoint_of(service) {
            return self.through_service_waypoint(asked, waypoint);
        }
        let source = self.source.workload;
        let endpoints = self.directory.endpoints(service);
        let need = Need {
            port: Some(asked.port.get()),
            reach: Reach::Mesh,
            hbone: false,
        };
        let endpoint = choose(service, &endpoints, source, need, &mut self.entropy)?;
        self.reach_endpoint(asked, endpoint)
    }

    fn every_way(&mut self, asked: &Asked) -> Result<Vec<WeightedPlan>, NoRoute> {
        let service = &asked.service;
        let plans: Vec<_> = match self.waypoint_of(service) {
            Some(gateway) => {
                let like = self.like(asked);
                let every = self.search(Reach::Mesh, like).every_upstream(gateway)?;
                let every = every.ok_or_else(|| NoRoute::UnknownWaypoint {
                    waypoint: gateway.clone(),
                    of: service.name.to_string(),
                })?;
                every
                    .into_iter()
                    .map(|(waypoint, weight)| (self.reach_waypoint(asked, waypoint), weight))
                    .collect()
            }
            None => {
                let endpoints = self.directory.endpoints(service);
                let need = Need {
                    port: Some(asked.port.get()),
                    reach: Reach::Mesh,
                    hbone: false,
                };
                fit(service, &endpoints, self.source.workload, need)?
                    .into_iter()
                    .map(|endpoint| (self.reach_endpoint(asked, endpoint), endpoint.weight))
                    .collect()
            }
        };
        let mut ways = Vec::with_capacity(plans.len());
        let mut failure = None;
        for (plan, weight) in plans {
            match plan {
                Ok(plan) => ways.push(WeightedPlan { plan, weight }),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if ways.is_empty() => Err(error),
            _ => Ok(ways),
        }
    }

    fn reach_endpoint(&mut self, asked: &Asked, endpoint: &Endpoint) -> Result<Plan, NoRoute> {
        let service = &asked.service;
        let workload = &endpoint.workload;
        if workload.network != self.source.workload.network {
            let inner = Inner {
                name: service.name.to_string(),
                identities: service.identities.clone(),
                way: Way::Gateway,
            };
            return self.through_gateway(asked, workload, inner);
        }
        let port = endpoint.target(service, asked.port.get());
        let ip = dial_ip(workload, service.families, self.like(asked));
        let target = ip.zip(port).map(|(ip, port)| SocketAddr::new(ip, port));
        Plan::direct(workload, Some(service), target)
    }

    /// The waypoint that the source has to pass on the way to the service.
    fn waypoint_of<'s>(&self, service: &'s Service) -> Option<&'s GatewayAddress> {
        let waypoint = service.waypoint.as_ref()?;
        let passes = waypoint_applies(self.source.kind, service)
            && !is_instance(self.directory, self.source.workload, waypoint);
        passes.then_some(waypoint)
    }

    fn through_service_waypoint(
        &mut self,
        asked: &Asked,
        gateway: &GatewayAddress,
    ) -> Result<Plan, NoRoute> {
        let service = &asked.service;
        let waypoint = self.waypoint(gateway, self.like(asked), || service.name.to_string())?;
        self.reach_waypoint(asked, waypoint)
    }

    fn reach_waypoint(&mut self, asked: &Asked, waypoint: Upstream) -> Result<Plan, NoRoute> {
        if waypoint.workload.network != self.source.workload.network {
            let inner = match &waypoint.service {
                Some(service) => Inner {
                    name: service.name.to_string(),
                    identities: service.identities.clone(),
                    way: Way::RemoteWaypoint,
                },
                None => Inner {
                    name: waypoint.workload.uid.to_string(),
                    identities: ExpectedIdentities::default(),
                    way: Way::RemoteWaypoint,
                },
            };
            return self.through_gateway(asked, &waypoint.workload, inner);
        }
        Plan::to_waypoint(
            waypoint,
            asked.by_address(&self.source.workload.network),
            Way::ServiceWaypoint,
            Some(asked.service.clone()),
        )
    }

    fn reach_workload(
        &mut self,
        workload: Arc<Workload>,
        target: SocketAddr,
    ) -> Result<Plan, NoRoute> {
        let Some(gateway) = &workload.waypoint else {
            return Plan::direct(&workload, None, Some(target));
        };
        // no service here says what an ingress gateway should do: it goes straight, as a waypoint does
        let proxied = matches!(
            self.source.kind,
            Some(IstioSource::Gateway | IstioSource::Waypoint)
        );
        if proxied || is_instance(self.directory, self.source.workload, gateway) {
            return Plan::direct(&workload, None, Some(target));
        }
        let waypoint = self.waypoint(gateway, Some(target.ip()), || {
            format!("workload {}", workload.uid)
        })?;
        if waypoint.workload.network != self.source.workload.network {
            return Err(NoRoute::RemoteWorkloadWaypoint {
                workload: workload.uid.clone(),
                waypoint: gateway.clone(),
            });
        }
        Plan::to_waypoint(waypoint, target.into(), Way::WorkloadWaypoint, None)
    }

    /// The host name and the service port are the authority of both tunnels: the outer one tells the gateway where to go,
    /// the inner one tells whoever is found there.
    fn through_gateway(
        &mut self,
        asked: &Asked,
        stand_in: &Arc<Workload>,
        inner: Inner,
    ) -> Result<Plan, NoRoute> {
        let Some(gateway) = &stand_in.network_gateway else {
            return Err(NoRoute::NoGateway {
                workload: stand_in.uid.clone(),
                network: stand_in.network.clone(),
                from: self.source.workload.network.clone(),
            });
        };
        if inner.identities.is_empty() {
            return Err(NoRoute::NoIdentities { name: inner.name });
        }
        let search = self.search(Reach::Anywhere, self.like(asked));
        let found = search.find(gateway, &mut self.entropy)?;
        let found = found.ok_or_else(|| NoRoute::UnknownGateway {
            gateway: gateway.clone(),
            workload: stand_in.uid.clone(),
        })?;
        let authority = asked.by_name();
        Ok(Plan {
            address: dialled(found.address, &found.workload)?,
            legs: vec![
                Leg {
                    authority: authority.clone(),
                    expect: found.identities,
                    position: Position::Outer,
                },
                Leg {
                    authority,
                    expect: inner.identities,
                    position: Position::Inner,
                },
            ],
            way: inner.way,
            receiver: Some(stand_in.clone()),
            service: Some(asked.service.clone()),
        })
    }

    fn waypoint(
        &mut self,
        gateway: &GatewayAddress,
        like: Option<IpAddr>,
        of: impl FnOnce() -> String,
    ) -> Result<Upstream, NoRoute> {
        let search = self.search(Reach::Mesh, like);
        let found = search.find(gateway, &mut self.entropy)?;
        found.ok_or_else(|| NoRoute::UnknownWaypoint {
            waypoint: gateway.clone(),
            of: of(),
        })
    }

    const fn search(&self, reach: Reach, like: Option<IpAddr>) -> Search<'a> {
        Search {
            directory: self.directory,
            source: self.source.workload,
            reach,
            like,
        }
    }

    /// An address of the family to prefer: that of the destination, or the source's.
    fn like(&self, asked: &Asked) -> Option<IpAddr> {
        let own = || self.source.workload.ips().next();
        asked.address.map(|address| address.ip()).or_else(own)
    }
}

/// Who is to be found behind a network gateway.
struct Inner {
    /// Its name, for a person.
    name: String,
    /// Who may answer.
    identities: ExpectedIdentities,
    way: Way,
}
