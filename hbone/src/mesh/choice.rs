use super::{
    Endpoint, Entropy, Health, HealthPolicy, LoadBalancingMode, NoRoute, Protocol, Service,
    Workload,
};

/// What makes an endpoint fit to be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    /// The service port that has to lead somewhere; `None` for gateways, which have a port of their own.
    pub(super) port: Option<u16>,
    /// Where it may be.
    pub(super) reach: Reach,
    /// Whether it has to speak HBONE.
    pub(super) hbone: bool,
}

/// From where to where a choice may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To an address in any network: the gateways between networks.
    Anywhere,
    /// To an address in the source's network.
    Here,
    /// To an address in the source's network, or through the gateway of another.
    Mesh,
}

impl Reach {
    /// Whether what is dialled is an address of the workload itself.
    pub(super) fn dials(self, source: &Workload, workload: &Workload) -> bool {
        self == Self::Anywhere || workload.network == source.network
    }
}

/// Chooses one of the service's endpoints: among those that are [`fit`], the weights decide.
pub(super) fn choose<'e>(
    service: &Service,
    endpoints: &'e [Endpoint],
    source: &Workload,
    need: Need,
    entropy: &mut Entropy,
) -> Result<&'e Endpoint, NoRoute> {
    let left = fit(service, endpoints, source, need)?;
    let weights = left.iter().map(|endpoint| endpoint.weight);
    entropy
        .weighted(weights)
        .and_then(|index| left.get(index).copied())
        .ok_or_else(|| NoRoute::Unpopulated {
            service: service.name.clone(),
        })
}

/// Those of the service's endpoints among which the weights decide, at least one. First those go that cannot serve (no such
/// port, not healthy, out of reach, too far for a strict service), then those that count for nothing (weight 0, unless all
/// have it), then all but the highest rank.
pub(super) fn fit<'e>(
    service: &Service,
    endpoints: &'e [Endpoint],
    source: &Workload,
    need: Need,
) -> Result<Vec<&'e Endpoint>, NoRoute> {
    let mut left: Vec<&Endpoint> = endpoints.iter().collect();
    if left.is_empty() {
        return Err(NoRoute::Unpopulated {
            service: service.name.clone(),
        });
    }
    if let Some(port) = need.port {
        left.retain(|endpoint| endpoint.target(service, port).is_some());
        if left.is_empty() {
            return Err(NoRoute::NoEndpointForPort {
                service: service.name.clone(),
                port,
            });
        }
    }
    if need.hbone {
        left.retain(|endpoint| endpoint.workload.protocol == Protocol::Hbone);
        if left.is_empty() {
            return Err(NoRoute::NoHboneEndpoint {
                service: service.name.clone(),
            });
        }
    }
    retain_healthy(&mut left, service)?;
    retain_reachable(&mut left, service, source, need.reach)?;
    retain_near(&mut left, service, source)?;

    if left.iter().any(|endpoint| endpoint.weight > 0) {
        left.retain(|endpoint| endpoint.weight > 0);
    }
    let rank = |endpoint: &Endpoint| service.load_balancing.rank(source, &endpoint.workload);
    let best = left.iter().map(|endpoint| rank(endpoint)).max();
    left.retain(|endpoint| Some(rank(endpoint)) == best);
    Ok(left)
}

fn retain_healthy(left: &mut Vec<&Endpoint>, service: &Service) -> Result<(), NoRoute> {
    let endpoints = left.len();
    match service.load_balancing.health {
        HealthPolicy::AllowAll => {}
        HealthPolicy::OnlyHealthy => left.retain(|endpoint| endpoint.health == Health::Healthy),
    }
    if left.is_empty() {
        return Err(NoRoute::NoHealthyEndpoint {
            service: service.name.clone(),
            endpoints,
        });
    }
    Ok(())
}

fn retain_reachable(
    left: &mut Vec<&Endpoint>,
    service: &Service,
    source: &Workload,
    reach: Reach,
) -> Result<(), NoRoute> {
    let reachable = |workload: &Workload| {
        if reach.dials(source, workload) {
            workload.ips().any(|ip| service.families.contains(ip))
        } else {
            reach == Reach::Mesh && workload.network_gateway.is_some()
        }
    };
    let first = left.first().copied();
    left.retain(|endpoint| reachable(&endpoint.workload));
    match first {
        Some(first) if left.is_empty() => Err(unreachable(service, &first.workload, source, reach)),
        _ => Ok(()),
    }
}

fn unreachable(service: &Service, workload: &Workload, source: &Workload, reach: Reach) -> NoRoute {
    if reach.dials(source, workload) {
        return NoRoute::Unaddressed {
            workload: workload.uid.clone(),
        };
    }
    match reach {
        Reach::Here => NoRoute::NoEndpointHere {
            service: service.name.clone(),
            network: source.network.clone(),
        },
        Reach::Anywhere | Reach::Mesh => NoRoute::NoGateway {
            workload: workload.uid.clone(),
            network: workload.network.clone(),
            from: source.network.clone(),
        },
    }
}

fn retain_near(
    left: &mut Vec<&Endpoint>,
    service: &Service,
    source: &Workload,
) -> Result<(), NoRoute> {
    let balancing = &service.load_balancing;
    if balancing.mode != LoadBalancingMode::Strict {
        return Ok(());
    }
    left.retain(|endpoint| {
        balancing.rank(source, &endpoint.workload) == balancing.preferences.len()
    });
    if left.is_empty() {
        return Err(NoRoute::NoEndpointInScope {
            service: service.name.clone(),
            source_uid: source.uid.clone(),
        });
    }
    Ok(())
}
