use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::mesh_file::Site;
use hbone::mesh::{Directory, GatewayAddress, GatewayDestination, StaticMesh};
use hbone::{Identity, IstioSource};
use thiserror::Error;

/// Whose `x-istio-source` is believed: it leads past waypoints, and so past the policies that they apply.
///
/// Specification: HBONE-G-005.
#[derive(Debug)]
pub(crate) struct Believed {
    listed: Vec<Believing>,
    waypoints: Mutex<Waypoints>,
}

/// One `--believe WORD=SPIFFE`.
#[derive(Clone, Debug)]
pub(crate) struct Believing {
    source: IstioSource,
    /// `None`: everybody.
    who: Option<Identity>,
}

/// Who the waypoints of a mesh are, found once for each version of it.
#[derive(Debug, Default)]
struct Waypoints {
    of: Option<Arc<Site>>,
    identities: BTreeSet<Identity>,
}

impl Believed {
    pub(crate) fn new(listed: Vec<Believing>) -> Self {
        Self {
            listed,
            waypoints: Mutex::default(),
        }
    }

    /// What to make of what the peer says it is. Whoever may not say so has said nothing.
    pub(crate) fn source(
        &self,
        said: Option<IstioSource>,
        peer: &Identity,
        site: &Arc<Site>,
    ) -> Option<IstioSource> {
        let said = said?;
        let is_listed = self
            .listed
            .iter()
            .any(|one| one.source == said && one.who.as_ref().is_none_or(|who| who == peer));
        if is_listed || said == IstioSource::Waypoint && self.is_waypoint(peer, site) {
            return Some(said);
        }
        tracing::debug!(%peer, source = %said, "x-istio-source is not believed; see --believe");
        None
    }

    fn is_waypoint(&self, peer: &Identity, site: &Arc<Site>) -> bool {
        let mut known = self
            .waypoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !known.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, site)) {
            *known = Waypoints {
                of: Some(Arc::clone(site)),
                identities: waypoints(site.mesh()),
            };
        }
        known.identities.contains(peer)
    }
}

/// Whoever is the waypoint of anything.
fn waypoints(mesh: &StaticMesh) -> BTreeSet<Identity> {
    let of_services = mesh
        .services()
        .filter_map(|service| service.waypoint.as_ref());
    let of_workloads = mesh
        .workloads()
        .filter_map(|workload| workload.waypoint.as_ref());
    of_services
        .chain(of_workloads)
        .flat_map(|waypoint| instances(mesh, waypoint))
        .collect()
}

fn instances(mesh: &StaticMesh, waypoint: &GatewayAddress) -> Vec<Identity> {
    let (service, workload) = match &waypoint.destination {
        GatewayDestination::Address(address) => {
            (mesh.service_at(address), mesh.workload_at(address))
        }
        GatewayDestination::Hostname(name) => (mesh.service(name), mesh.workload_named(name)),
        _ => (None, None),
    };
    match service {
        Some(service) => {
            let endpoints = mesh.endpoints(&service);
            endpoints
                .iter()
                .map(|endpoint| endpoint.workload.identity.clone())
                .collect()
        }
        None => workload
            .map(|workload| workload.identity.clone())
            .into_iter()
            .collect(),
    }
}

impl FromStr for Believing {
    type Err = BelievingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, who) = text.split_once('=').ok_or(BelievingError::Form)?;
        let source = match word {
            "gateway" => IstioSource::Gateway,
            "waypoint" => IstioSource::Waypoint,
            _ => return Err(BelievingError::Form),
        };
        let who = match who {
            "*" => None,
            who => Some(who.parse()?),
        };
        Ok(Self { source, who })
    }
}

/// Why a `--believe` is none.
#[derive(Debug, Error)]
pub(crate) enum BelievingError {
    #[error("write waypoint=SPIFFE, gateway=SPIFFE, or * instead of the SPIFFE id")]
    Form,
    #[error(transparent)]
    Identity(#[from] hbone::IdentityError),
}
