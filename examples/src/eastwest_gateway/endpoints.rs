use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::mesh_file::Site;
use hbone::mesh::{
    Candidate, Candidates, Directory, Entropy, NamespacedHostname, NotHere, Service, Shunned,
    Turns, Without, Workload, candidates,
};
use hbone::{Authority, IstioSource};

/// What the gateway knows of the endpoints beyond what the mesh file says: whose turn it is, how many tunnels each has, and who
/// did not answer of late.
#[derive(Debug, Clone, Default)]
pub(crate) struct Endpoints(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// By the service asked for, and whether its waypoint is to be passed.
    turns: BTreeMap<(NamespacedHostname, bool), Turns>,
    open: BTreeMap<Arc<str>, u64>,
    shunned: Shunned,
}

/// Whom a tunnel was given to. As long as it is there, it counts as one of the receiver's tunnels.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) address: SocketAddr,
    pub(crate) receiver: Arc<Workload>,
    pub(crate) service: Arc<Service>,
    endpoints: Endpoints,
}

impl Endpoints {
    /// Chooses for one tunnel, none of those whom it has `tried`.
    pub(crate) fn choose(
        &self,
        site: &Site,
        authority: &Authority,
        source: Option<IstioSource>,
        tried: &[Arc<str>],
        entropy: Entropy,
    ) -> Result<Chosen, NotHere> {
        let mut state = self.lock();
        let Candidates {
            list,
            service,
            waypoint,
            ..
        } = state.candidates(site, authority, source, tried)?;
        let State { turns, open, .. } = &mut *state;
        let turns = turns.entry((service.name.clone(), waypoint)).or_default();
        let load = |one: &Candidate| open.get(&one.receiver.uid).copied().unwrap_or_default();
        let chosen = turns.choose(&list, load, entropy).cloned();
        let chosen = chosen.ok_or_else(|| NotHere::Unknown {
            authority: authority.clone(),
        })?;
        *open.entry(chosen.receiver.uid.clone()).or_default() += 1;
        Ok(Chosen {
            address: chosen.address,
            receiver: chosen.receiver,
            service,
            endpoints: self.clone(),
        })
    }

    /// Forgets what the mesh has no more.
    pub(crate) fn retain(&self, site: &Site) {
        let mut state = self.lock();
        let mesh = site.mesh();
        state
            .turns
            .retain(|(service, _), _| mesh.service(service).is_some());
        state.shunned.retain(|uid| mesh.workload(uid).is_some());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under it leaves anything half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Those who are neither tried nor shunned; if there are none, those who are not tried.
    fn candidates(
        &self,
        site: &Site,
        authority: &Authority,
        source: Option<IstioSource>,
        tried: &[Arc<str>],
    ) -> Result<Candidates, NotHere> {
        let (mesh, own, now) = (site.mesh(), site.workload(), Instant::now());
        let is_tried = |workload: &Workload| tried.contains(&workload.uid);
        let is_out =
            |workload: &Workload| is_tried(workload) || self.shunned.contains(&workload.uid, now);
        let known = candidates(mesh, own, authority, source)?;
        if !known.list.iter().any(|one| is_out(&one.receiver)) {
            return Ok(known);
        }
        candidates(&Without::new(mesh, &is_out), own, authority, source)
            .or_else(|_| candidates(&Without::new(mesh, &is_tried), own, authority, source))
    }
}

impl Chosen {
    /// It took the connection.
    pub(crate) fn connected(&self) {
        self.endpoints
            .lock()
            .shunned
            .handle_connected(&self.receiver.uid);
    }

    /// It did not.
    pub(crate) fn failed(&self) {
        self.endpoints
            .lock()
            .shunned
            .handle_failed(&self.receiver.uid, Instant::now());
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        let mut state = self.endpoints.lock();
        if let Some(open) = state.open.get_mut(&self.receiver.uid) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                state.open.remove(&self.receiver.uid);
            }
        }
    }
}
