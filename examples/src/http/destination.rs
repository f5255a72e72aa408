use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hbone::mesh::{Candidate, Plan};
use hbone::{Forwarded, Route, Telling};
use http::Version;

use super::connection::Connection;
use super::fault::Fault;
use super::lane::{Lane, Opened};
use super::ring::Ring;

/// Where requests of one service can go: an endpoint, a waypoint, or whatever is behind the gateway of another network.
#[derive(Debug)]
pub(super) struct Destination {
    plan: Plan,
    telling: Telling,
    lanes: Lanes,
    open: AtomicU64,
}

#[derive(Debug)]
pub(super) enum Lanes {
    One(Arc<Lane>),
    Ring(Arc<Ring>),
}

/// Several endpoints that are reached in one way: more than one only behind a gateway.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) plan: Plan,
    /// Who they are, and the weight of each.
    pub(super) members: Vec<(Arc<str>, u32)>,
}

/// How many lanes are asked for room.
const LANES: usize = 50;

impl Destination {
    pub(super) const fn new(plan: Plan, telling: Telling, lanes: Lanes) -> Self {
        Self {
            plan,
            telling,
            lanes,
            open: AtomicU64::new(0),
        }
    }

    /// Whether this is where the group is, and what we would tell there is still the same.
    pub(super) fn is_of(&self, group: &Group, telling: &Telling) -> bool {
        group.is_by(&self.plan) && self.telling == *telling
    }

    /// Where the next request goes.
    async fn lane(&self) -> Result<Arc<Lane>, Fault> {
        match &self.lanes {
            Lanes::One(lane) => Ok(Arc::clone(lane)),
            Lanes::Ring(ring) => ring.lane().await,
        }
    }

    /// A way for one client alone, which has come through these proxies.
    pub(super) async fn opened_for(&self, forwarded: &Forwarded) -> Result<Opened, Fault> {
        for _ in 0..LANES {
            match self.lane().await?.opened_for(forwarded).await {
                // Others were quicker, and there are other lanes.
                Err(Fault::NoRoom) => {}
                opened => return opened,
            }
        }
        Err(Fault::NoRoom)
    }

    /// A connection of the lane for a request, and the lane.
    pub(super) async fn connection(
        &self,
        version: Version,
    ) -> Result<(Arc<Lane>, Connection), Fault> {
        for _ in 0..LANES {
            let lane = self.lane().await?;
            match lane.connection(version).await {
                Ok(connection) => return Ok((lane, connection)),
                Err(Fault::NoRoom) => {}
                Err(fault) => {
                    self.handle_lost(&lane);
                    return Err(fault);
                }
            }
        }
        Err(Fault::NoRoom)
    }

    /// The lane leads nowhere: another network's server may be gone.
    fn handle_lost(&self, lane: &Lane) {
        if let Lanes::Ring(_) = self.lanes {
            lane.break_off();
        }
    }

    /// Who is there has changed.
    pub(super) fn renew(&self, weight: u32) {
        if let Lanes::Ring(ring) = &self.lanes {
            ring.renew(weight);
        }
    }

    pub(super) fn sweep(&self, now: Instant, idle: Duration) {
        match &self.lanes {
            Lanes::One(lane) => lane.sweep(now),
            Lanes::Ring(ring) => ring.sweep(now, idle),
        }
    }

    /// How many requests it has now.
    pub(super) fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Group {
    /// Sorts ways into groups, in the order in which they come.
    pub(super) fn all(ways: impl IntoIterator<Item = (Plan, u32)>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (plan, weight) in ways {
            let uid = plan.receiver.as_ref().map(|receiver| receiver.uid.clone());
            let member = (uid.unwrap_or_default(), weight);
            let known = groups
                .iter_mut()
                .find(|group| plan.legs.len() > 1 && group.is_by(&plan));
            match known {
                Some(group) => group.members.push(member),
                None => groups.push(Self {
                    plan,
                    members: vec![member],
                }),
            }
        }
        groups
    }

    pub(super) fn weight(&self) -> u32 {
        let weights = self.members.iter().map(|(_, weight)| *weight);
        weights.fold(0, u32::saturating_add)
    }

    /// As one of those among whom turns are taken. What is outside of the mesh has no workload, and no others beside it.
    pub(super) fn candidate(&self) -> Option<Candidate> {
        let receiver = self.plan.receiver.clone()?;
        Some(Candidate::new(self.plan.address, receiver, self.weight()))
    }

    fn is_by(&self, plan: &Plan) -> bool {
        self.plan.address == plan.address && self.plan.legs == plan.legs
    }

    /// The ways of its tunnels: to the gateway, and from there on.
    pub(super) fn hops(route: &Route) -> Option<(Route, Route)> {
        let (outer, inner) = (route.hop(0)?, route.hop(1)?);
        let to = |hop: &hbone::Hop| Route::new(route.address(), hop.clone());
        Some((to(outer), to(inner)))
    }
}
