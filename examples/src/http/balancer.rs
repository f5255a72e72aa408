use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hbone::mesh::{
    Candidate, Directory, NamespacedHostname, NoRoute, Plan, Shunned, Source, Turns, plan, plan_all,
};
use hbone::pool::PoolConfig;
use hbone::{Authority, IstioSource, Profile, Route, Telling};
use peer_meta::{Exchange, ExchangeConfig, Hop, Role, Target};
use tokio::time::sleep;
use tokio_hbone::{Connector, Pool};

use super::Meant;
use super::destination::{Destination, Group, Lanes};
use super::fault::Fault;
use super::lane::{Lane, Way};
use super::ring::Ring;
use crate::hop_log::HopLog;
use crate::mesh_file::Site;
use crate::proxy::{Chance, Proxy, StartError};

/// Shares requests out among all who can serve them, one by one.
///
/// Each gets its weight's share, and within ten requests of that whoever has the fewest open goes first (R54 of `docs/routing.md`). Who
/// could not be connected to is left out for a while (R55).
#[derive(Debug)]
pub struct Balancer {
    outer: Pool,
    inner: Connector,
    config: PoolConfig,
    /// How many tunnels share a connection at most.
    most_tunnels: u32,
    chance: Chance,
    log: HopLog,
    role: Role,
    exchange: ExchangeConfig,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: BTreeMap<Key, Known>,
    shunned: Shunned,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Service(NamespacedHostname, u16),
    Workload(SocketAddr),
}

/// Where requests of one kind can go, as one version of the mesh has it.
#[derive(Debug)]
struct Known {
    of: Arc<Site>,
    places: Vec<Place>,
    turns: Turns,
    used: Instant,
}

#[derive(Debug)]
struct Place {
    group: Group,
    candidate: Option<Candidate>,
    destination: Arc<Destination>,
}

/// Where one request goes. As long as it is there, it counts as open.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) destination: Arc<Destination>,
    pub(super) uid: Arc<str>,
}

/// How often is looked for what is not used any more.
const SWEEP: Duration = Duration::from_secs(10);

impl Balancer {
    /// Shares requests of a proxy of this role out, over the connections of `outer`.
    ///
    /// # Errors
    /// The certificates cannot be used.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(
        proxy: &Proxy,
        outer: Pool,
        role: Role,
        exchange: ExchangeConfig,
    ) -> Result<Arc<Self>, StartError> {
        let inner = proxy.connector()?;
        proxy.metrics().watch_inner(inner.clone());
        let idle = proxy.environment().pool_unused_release_timeout;
        let balancer = Arc::new(Self {
            outer,
            inner,
            config: PoolConfig::new()
                .max_connections_per_key(1)
                .idle_timeout(idle),
            most_tunnels: proxy.environment().pool_max_streams_per_connection,
            chance: proxy.chance(),
            log: proxy.hop_log(),
            role,
            exchange,
            state: Mutex::default(),
        });
        tokio::spawn(sweep(Arc::downgrade(&balancer), idle));
        Ok(balancer)
    }

    /// Chooses for one request, none of those that it has `tried`.
    pub(super) fn choose(
        &self,
        site: &Arc<Site>,
        meant: &Meant,
        tried: &[Arc<str>],
    ) -> Result<Chosen, Fault> {
        let mut state = self.state();
        let State { known, shunned } = &mut *state;
        let known = self.know(known, site, meant)?;
        let now = Instant::now();
        known.used = now;
        let candidates = |is_out: &dyn Fn(&str) -> bool| -> Vec<Candidate> {
            let all = known.places.iter();
            all.filter_map(|place| place.candidate.clone())
                .filter(|candidate| !is_out(&candidate.receiver.uid))
                .collect()
        };
        let is_tried = |uid: &str| tried.iter().any(|tried| **tried == *uid);
        let mut left = candidates(&|uid| is_tried(uid) || shunned.contains(uid, now));
        if left.is_empty() {
            left = candidates(&is_tried);
        }
        let mut turns = std::mem::take(&mut known.turns);
        let open = |candidate: &Candidate| {
            let place = known.place_of(&candidate.receiver.uid);
            place.map_or(0, |place| place.destination.open())
        };
        let uid = turns
            .choose(&left, open, self.chance.entropy())
            .map(|chosen| chosen.receiver.uid.clone());
        known.turns = turns;
        let place = match &uid {
            Some(uid) => known.place_of(uid),
            // Outside of the mesh there is nobody to choose among.
            None => known
                .places
                .first()
                .filter(|place| place.candidate.is_none() && tried.is_empty()),
        };
        let place = place.ok_or(Fault::NobodyElse)?;
        let destination = Arc::clone(&place.destination);
        destination.begin();
        Ok(Chosen {
            destination,
            uid: uid.unwrap_or_default(),
        })
    }

    /// The chosen one took a connection.
    pub(super) fn handle_connected(&self, chosen: &Chosen) {
        self.state().shunned.handle_connected(&chosen.uid);
    }

    /// It did not.
    pub(super) fn handle_failed(&self, chosen: &Chosen) {
        self.state()
            .shunned
            .handle_failed(&chosen.uid, Instant::now());
    }

    /// What is known of where it can go, brought up to date.
    fn know<'k>(
        &self,
        known: &'k mut BTreeMap<Key, Known>,
        site: &Arc<Site>,
        meant: &Meant,
    ) -> Result<&'k mut Known, Fault> {
        let key = meant.key();
        let is_current = |known: &Known| Arc::ptr_eq(&known.of, site);
        if !known.get(&key).is_some_and(is_current) {
            let before = known.remove(&key);
            let now = self.look(site, meant, before)?;
            known.insert(key.clone(), now);
        }
        known.get_mut(&key).ok_or(Fault::NobodyElse)
    }

    fn look(
        &self,
        site: &Arc<Site>,
        meant: &Meant,
        before: Option<Known>,
    ) -> Result<Known, NoRoute> {
        let (turns, mut places) = match before {
            Some(before) => (before.turns, before.places),
            None => (Turns::new(), Vec::new()),
        };
        let telling = self.telling(site);
        let groups = Group::all(self.ways(site, meant)?);
        let places = groups.into_iter().map(|group| {
            let same = places
                .iter()
                .position(|place| place.destination.is_of(&group, &telling));
            let destination = match same.map(|index| places.swap_remove(index)) {
                Some(place) => {
                    if place.group.members != group.members {
                        place.destination.renew(group.weight());
                    }
                    place.destination
                }
                None => Arc::new(self.destination(site, &group, telling.clone())),
            };
            Place {
                candidate: group.candidate(),
                destination,
                group,
            }
        });
        Ok(Known {
            of: Arc::clone(site),
            places: places.collect(),
            turns,
            used: Instant::now(),
        })
    }

    fn ways(&self, site: &Site, meant: &Meant) -> Result<Vec<(Plan, u32)>, NoRoute> {
        let source = Source::proxy(site.workload(), self.source());
        let entropy = self.chance.entropy();
        match meant {
            Meant::Service { service, port } => {
                let every = plan_all(site.mesh(), source, service, *port, entropy)?;
                Ok(every
                    .into_iter()
                    .map(|one| (one.plan, one.weight))
                    .collect())
            }
            Meant::Workload(address) => {
                let plan = plan(site.mesh(), source, &Authority::Addr(*address), entropy)?;
                Ok(vec![(plan, 1)])
            }
        }
    }

    fn destination(&self, site: &Site, group: &Group, telling: Telling) -> Destination {
        let plan = group.plan.clone();
        let route = plan.route(Profile::Envoy, &telling);
        let lanes = match route {
            None => Lanes::One(Arc::new(Lane::new(Way::Plain {
                own: site.workload().addresses.clone(),
                address: plan.address,
            }))),
            Some(route) => self.lanes(route, group),
        };
        Destination::new(plan, telling, lanes)
    }

    fn lanes(&self, route: Route, group: &Group) -> Lanes {
        match Group::hops(&route) {
            Some((outer, inner)) => Lanes::Ring(Ring::new(
                (self.outer.clone(), outer),
                (self.inner.clone(), inner),
                (self.config, self.most_tunnels),
                group.weight(),
                self.log.clone(),
            )),
            None => Lanes::One(Arc::new(Lane::new(Way::Tunnel {
                target: Target::Address(route.address().ip()),
                pool: self.outer.clone(),
                route: Box::new(route),
                outer: None,
                most: usize::MAX,
                log: self.log.clone(),
            }))),
        }
    }

    /// What we say of ourselves, the same for all requests.
    fn telling(&self, site: &Site) -> Telling {
        let own = Arc::clone(site.own());
        let exchange = Exchange::new(self.role, &self.exchange, own, Instant::now());
        let mut telling = Telling::new();
        telling.baggage = exchange.request_baggage(Hop::Single).into_iter().collect();
        telling.origin_network = Some(site.workload().network.clone());
        telling.source = Some(self.source());
        telling
    }

    const fn source(&self) -> IstioSource {
        match self.role {
            Role::IngressGateway => IstioSource::Gateway,
            _ => IstioSource::Waypoint,
        }
    }

    fn sweep(&self, now: Instant, idle: Duration) {
        let mut state = self.state();
        state.known.retain(|_, known| {
            for place in &known.places {
                place.destination.sweep(now, idle);
            }
            now.saturating_duration_since(known.used) < idle
        });
        let known: Vec<Arc<Site>> = state
            .known
            .values()
            .map(|known| Arc::clone(&known.of))
            .collect();
        state.shunned.retain(|uid| {
            let mut sites = known.iter();
            sites.any(|site| site.mesh().workload(uid).is_some())
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under it leaves anything half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn place_of(&self, uid: &str) -> Option<&Place> {
        let is_it = |candidate: &Candidate| *candidate.receiver.uid == *uid;
        let mut places = self.places.iter();
        places.find(|place| place.candidate.as_ref().is_some_and(is_it))
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.destination.end();
    }
}

impl Meant {
    fn key(&self) -> Key {
        match self {
            Self::Service { service, port } => Key::Service(service.name.clone(), *port),
            Self::Workload(address) => Key::Workload(*address),
        }
    }
}

async fn sweep(balancer: Weak<Balancer>, idle: Duration) {
    loop {
        sleep(SWEEP).await;
        let Some(balancer) = balancer.upgrade() else {
            return;
        };
        balancer.sweep(Instant::now(), idle);
    }
}
