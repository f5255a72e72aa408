use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hbone::pool::PoolConfig;
use hbone::{Position, Route};
use peer_meta::Target;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_hbone::{Connector, Pool};

use super::fault::Fault;
use super::lane::{Lane, Way};
use super::outer_hop::OuterHop;
use super::rate::Rate;
use crate::hop_log::HopLog;

/// The lanes into another network, which take turns.
///
/// The gateway there chooses an endpoint for each inner tunnel, by the weights; a lane is one inner tunnel, and so one endpoint. With
/// turns all lanes get the same number of requests, so that requests are shared as the tunnels are, however slow one of the endpoints
/// is. A lane gives way to another one after [`SHARE`] requests, so that one that the gateway learns of later gets its share, too, and
/// nobody keeps what chance gave him; its successor is open by then. When our own mesh file says that something has changed behind
/// the gateway, all lanes give way soon, a few at a time. Those that begin together end one after another, so that one is succeeded
/// at a time again.
#[derive(Debug)]
pub(super) struct Ring {
    /// To the gateway, by connections that all rings share.
    outer: Pool,
    outer_route: Route,
    /// Makes the tunnels inside.
    inner: Connector,
    inner_route: Route,
    config: PoolConfig,
    most_tunnels: usize,
    log: HopLog,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    most: usize,
    seats: VecDeque<Seat>,
    /// How many lanes are being opened.
    opening: usize,
    /// How many have been opened, of those that begin together: they must not end together.
    opened: u32,
    failed: Option<(Instant, Fault)>,
    rate: Rate,
    /// When the gateway will know of a change that we know of already.
    settling: Option<Instant>,
}

#[derive(Debug)]
struct Seat {
    lane: Arc<Lane>,
    /// How many more requests it takes.
    left: u32,
    born: Instant,
    used: Instant,
    /// Whether it was opened for what is there no more.
    is_stale: bool,
    /// Whether it had no room for another request when its turn came last.
    is_full: bool,
}

/// How many requests a lane takes, and how many before the last of them its successor is opened.
const SHARE: u32 = 150;
const LEAD: u32 = 12;
/// How many lanes there are at least, if there are as many requests in a minute or two, and at most.
const ENOUGH: usize = 24;
const MOST: usize = 32;
/// The same where there is one server, as far as the mesh file knows. It may stand for several.
const FEW: usize = 8;
/// How many lanes are opened at once.
const MOST_OPENING: usize = 8;
/// How long a request waits for a lane that is being opened, if the others have had their share: many that come at once must not
/// all go to the first one.
const PATIENCE: Duration = Duration::from_secs(1);
/// After a lane could not be opened, while others serve.
const REST: Duration = Duration::from_millis(500);
/// How much later than we another proxy may notice that a mesh file has changed.
const SETTLING: Duration = Duration::from_millis(1500);

impl Ring {
    /// The lanes by this route, each with so many tunnels at most, to servers that together have this weight.
    pub(super) fn new(
        outer: (Pool, Route),
        inner: (Connector, Route),
        (config, most_tunnels): (PoolConfig, u32),
        weight: u32,
        log: HopLog,
    ) -> Arc<Self> {
        let now = Instant::now();
        let ((outer, outer_route), (inner, inner_route)) = (outer, inner);
        Arc::new(Self {
            outer,
            outer_route,
            inner,
            inner_route,
            config: config.max_streams_per_connection(most_tunnels),
            most_tunnels: usize::try_from(most_tunnels).unwrap_or(usize::MAX),
            log,
            state: Mutex::new(State {
                most: lanes_for(weight),
                seats: VecDeque::new(),
                opening: 0,
                opened: 0,
                failed: None,
                rate: Rate::new(now),
                settling: None,
            }),
            changed: Notify::new(),
        })
    }

    /// The lane whose turn it is. The first one is waited for.
    pub(super) async fn lane(self: &Arc<Self>) -> Result<Arc<Lane>, Fault> {
        let began = Instant::now();
        let wanted = self.state().wanted(began);
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let next = {
                let mut state = self.state();
                let now = Instant::now();
                state.settle(now);
                state.leave_stale();
                self.grow(&mut state, wanted, now);
                let is_patient = now.saturating_duration_since(began) < PATIENCE;
                let next = state.next(now, is_patient);
                match (next, &state.failed) {
                    (None, Some((at, fault))) if *at >= began => return Err(fault.clone()),
                    (next, _) => next,
                }
            };
            match next {
                Some(lane) => return Ok(lane),
                // Whoever has no lane at all goes on waiting.
                None => {
                    let _ = timeout(PATIENCE, changed).await;
                }
            }
        }
    }

    /// What is behind the gateway has changed, and has this weight now: every lane gives way, and those that are opened until the
    /// gateway must have noticed, too, once more.
    pub(super) fn renew(&self, weight: u32) {
        let now = Instant::now();
        let mut state = self.state();
        state.most = lanes_for(weight);
        state.settling = now.checked_add(SETTLING);
        state.handle_stale(|_| true);
    }

    /// Closes what has been unused for `idle`.
    pub(super) fn sweep(&self, now: Instant, idle: Duration) {
        let mut state = self.state();
        state
            .seats
            .retain(|seat| now.saturating_duration_since(seat.used) < idle);
        for seat in &state.seats {
            seat.lane.sweep(now);
        }
    }

    /// Opens lanes until there are as many that last as are wanted.
    fn grow(self: &Arc<Self>, state: &mut State, wanted: usize, now: Instant) {
        let is_resting = state
            .failed
            .as_ref()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) < REST);
        // Whoever has no lane at all does not rest.
        if is_resting && !(state.seats.is_empty() && state.opening == 0) {
            return;
        }
        while state.lasting() + state.opening < wanted && state.opening < MOST_OPENING {
            state.opening += 1;
            tokio::spawn(Arc::clone(self).open());
            if is_resting {
                return;
            }
        }
    }

    async fn open(self: Arc<Self>) {
        let lane = self.new_lane();
        let outcome = lane.prepare().await;
        let now = Instant::now();
        let mut state = self.state();
        state.opening = state.opening.saturating_sub(1);
        match outcome {
            Ok(()) => {
                let left = state.share();
                state.opened = state.opened.wrapping_add(1);
                state.failed = None;
                state.seats.push_front(Seat {
                    lane: Arc::new(lane),
                    left,
                    born: now,
                    used: now,
                    is_stale: false,
                    is_full: false,
                });
            }
            Err(fault) => {
                tracing::debug!(%fault, gateway = %self.outer_route.address(), "a lane could not be opened");
                state.failed = Some((now, fault));
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// A lane is a pool of its own with one connection, that to whom the gateway chose; the way to the gateway is shared.
    fn new_lane(&self) -> Lane {
        let (outer, route) = (self.outer.clone(), self.outer_route.clone());
        let log = self.log.clone();
        let outer_hop = OuterHop::default();
        let failing = outer_hop.clone();
        let inner = self.inner.clone().with_transport(move |_| {
            let (outer, route, log) = (outer.clone(), route.clone(), log.clone());
            let failing = failing.clone();
            async move {
                let connected = outer.connect(&route).await;
                let tunnel = connected.map_err(|error| {
                    failing.handle_failed(error.clone());
                    io::Error::other(error)
                })?;
                if let Some(answer) = tunnel.answers().last() {
                    log.asked(Position::Outer, &route.last().connect, answer);
                }
                Ok(tunnel)
            }
        });
        Lane::new(Way::Tunnel {
            pool: Pool::builder(inner).config(self.config).build(),
            route: Box::new(self.inner_route.clone()),
            target: Target::OtherNetwork,
            outer: Some(outer_hop),
            most: self.most_tunnels,
            log: self.log.clone(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under it leaves anything half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a request, and says how many lanes there should be: as many as there were requests of late, until there are enough.
    fn wanted(&mut self, now: Instant) -> usize {
        let recent = usize::try_from(self.rate.count(now)).unwrap_or(usize::MAX);
        recent.clamp(1, self.most)
    }

    /// Takes the turn of the lane that has waited longest. Whoever `is_patient` waits rather than asking more of one than its share.
    fn next(&mut self, now: Instant, is_patient: bool) -> Option<Arc<Lane>> {
        self.seats.retain(|seat| !seat.lane.is_broken());
        let is_spent = self.seats.iter().all(|seat| seat.left == 0 || seat.is_full);
        if is_spent && is_patient && self.opening > 0 && self.failed.is_none() {
            return None;
        }
        for _ in 0..self.seats.len() {
            let mut seat = self.seats.pop_front()?;
            // One that has had its share goes on while there is nobody else.
            if seat.left == 0
                && self
                    .seats
                    .iter()
                    .any(|other| other.left > 0 && !other.is_full)
            {
                continue;
            }
            seat.is_full = seat.lane.is_full();
            if seat.is_full {
                self.seats.push_back(seat);
                continue;
            }
            seat.left = seat.left.saturating_sub(1);
            seat.used = now;
            let lane = Arc::clone(&seat.lane);
            self.seats.push_back(seat);
            return Some(lane);
        }
        None
    }

    /// How many lanes have most of their share before them, and room.
    fn lasting(&self) -> usize {
        let lasts = |seat: &&Seat| seat.left > LEAD && !seat.is_full;
        self.seats.iter().filter(lasts).count()
    }

    /// The share of the next lane: those that widen the ring get a part, each another one, and those that succeed another the whole.
    fn share(&self) -> u32 {
        let most = u32::try_from(self.most).unwrap_or(u32::MAX).max(1);
        match self.opened.checked_add(1).filter(|opened| *opened < most) {
            Some(place) => (SHARE.saturating_mul(place) / most).max(LEAD * 2),
            None => SHARE,
        }
    }

    fn settle(&mut self, now: Instant) {
        if let Some(at) = self.settling.filter(|at| *at <= now) {
            self.settling = None;
            self.handle_stale(|seat| at <= seat.born + SETTLING);
        }
    }

    /// Those that come instead begin together, and so are not to end together.
    fn handle_stale(&mut self, which: impl Fn(&Seat) -> bool) {
        self.opened = 0;
        for seat in self.seats.iter_mut().filter(|seat| which(seat)) {
            seat.is_stale = true;
        }
    }

    /// Lets stale lanes go, as many at a time as are opened at once: a gateway that still has all old tunnels open when it chooses for
    /// the new ones would take them into account, and one after another would take too many requests until all have gone.
    fn leave_stale(&mut self) {
        if self.failed.is_some() {
            return;
        }
        for _ in self.opening..MOST_OPENING {
            let Some(index) = self.seats.iter().position(|seat| seat.is_stale) else {
                return;
            };
            if self.seats.len() == 1 {
                self.seats.iter_mut().for_each(|seat| seat.left = 0);
                return;
            }
            self.seats.remove(index);
        }
    }
}

/// As many lanes as give every endpoint its share exactly, if the weights are small.
fn lanes_for(weight: u32) -> usize {
    let weight = usize::try_from(weight).unwrap_or(usize::MAX);
    match weight {
        0 | 1 => FEW,
        _ => weight.saturating_mul(ENOUGH.div_ceil(weight)).min(MOST),
    }
}
