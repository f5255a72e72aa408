use std::net::SocketAddr;
use std::sync::Arc;

use super::upstream::{Upstream, identities};
use super::{NoRoute, Protocol, Service, Workload};
use crate::{Authority, ExpectedIdentities, Hop, PORT, Position, Profile, Route, Telling};

/// How traffic gets from a source to a destination: what is dialled, and the tunnels on top of it.
///
/// It says nothing of headers: those come with [`Plan::route`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// What is dialled over TCP.
    pub address: SocketAddr,
    /// The tunnels, the outermost first; none for plain text.
    pub legs: Vec<Leg>,
    /// The way taken.
    pub way: Way,
    /// Whom the traffic was handed to: the endpoint chosen, the waypoint, or the stand-in of what is behind
    /// the gateway. `None` outside the mesh.
    pub receiver: Option<Arc<Workload>>,
    /// The service asked for, if it was one.
    pub service: Option<Arc<Service>>,
}

impl Plan {
    /// The route with the headers that a client of this profile sends on each tunnel, out of all it could tell. `None` for
    /// plain text: there is nobody to tell.
    pub fn route(&self, profile: Profile, telling: &Telling) -> Option<Route> {
        let mut hops = self.legs.iter().map(|leg| leg.hop(profile, telling));
        let outermost = Route::new(self.address, hops.next()?);
        Some(hops.fold(outermost, Route::through))
    }

    pub(super) fn passthrough(address: SocketAddr, service: Option<Arc<Service>>) -> Self {
        Self {
            address,
            legs: Vec::new(),
            way: Way::Passthrough,
            receiver: None,
            service,
        }
    }

    /// To a port of a workload in our network.
    pub(super) fn direct(
        workload: &Arc<Workload>,
        service: Option<&Arc<Service>>,
        target: Option<SocketAddr>,
    ) -> Result<Self, NoRoute> {
        let target = dialled(target, workload)?;
        let (address, legs, way) = match workload.protocol {
            Protocol::Hbone => {
                let leg = Leg {
                    authority: target.into(),
                    expect: identities(workload, service.map(AsRef::as_ref)),
                    position: Position::Single,
                };
                (SocketAddr::new(target.ip(), PORT), vec![leg], Way::Direct)
            }
            Protocol::Tcp => (target, Vec::new(), Way::Plaintext),
        };
        Ok(Self {
            address,
            legs,
            way,
            receiver: Some(workload.clone()),
            service: service.cloned(),
        })
    }

    pub(super) fn to_waypoint(
        waypoint: Upstream,
        authority: Authority,
        way: Way,
        service: Option<Arc<Service>>,
    ) -> Result<Self, NoRoute> {
        Ok(Self {
            address: dialled(waypoint.address, &waypoint.workload)?,
            legs: vec![Leg {
                authority,
                expect: waypoint.identities,
                position: Position::ToWaypoint,
            }],
            way,
            receiver: Some(waypoint.workload),
            service,
        })
    }
}

/// A plan, and how much of the traffic it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightedPlan {
    /// The way.
    pub plan: Plan,
    /// Its weight among the others. 0 takes part only where all are 0.
    pub weight: u32,
}

/// One tunnel of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leg {
    /// The `:authority` of its CONNECT.
    pub authority: Authority,
    /// Who has to be at its other end. Never empty.
    pub expect: ExpectedIdentities,
    /// Where it stands in the route.
    pub position: Position,
}

impl Leg {
    fn hop(&self, profile: Profile, telling: &Telling) -> Hop {
        let connect = profile.connect(self.position, self.authority.clone(), telling);
        Hop::new(connect, self.expect.clone())
    }
}

/// The way that a plan takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// One tunnel to the workload.
    Direct,
    /// Two tunnels, through the gateway of the endpoint's network.
    Gateway,
    /// A plain connection to an address that the mesh does not know, or that it is told to leave alone.
    Passthrough,
    /// A plain connection to a workload that does not speak HBONE.
    Plaintext,
    /// Two tunnels, through the gateway of the waypoint's network.
    RemoteWaypoint,
    /// One tunnel to the service's waypoint.
    ServiceWaypoint,
    /// One tunnel to the workload's waypoint.
    WorkloadWaypoint,
}

/// The address, or that there is none.
pub(super) fn dialled(
    address: Option<SocketAddr>,
    workload: &Workload,
) -> Result<SocketAddr, NoRoute> {
    address.ok_or_else(|| NoRoute::Unaddressed {
        workload: workload.uid.clone(),
    })
}
