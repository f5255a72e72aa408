use std::time::{Duration, Instant};

use hbone::pool::{Action, Checkout, ConnectionId, Pool, PoolConfig, Spread, TicketId};
use serde::Serialize;

use crate::gateway::Gateway;
use crate::scenario::Scenario;
use crate::wheel::Wheel;
use crate::windows::{Deviation, WINDOW, Windows};
use hbone_examples::random::Random;

/// What came of one network.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    /// Requests that got no stream.
    pub(crate) failed: u64,
    /// Dials of inner connections, successful or not: each is a TLS handshake.
    pub(crate) handshakes: u64,
    /// Inner connections of all sources, summed over the ends of all windows.
    pub(crate) held: u64,
    pub(crate) samples: u64,
    pub(crate) deviation: Deviation,
}

/// All sources, one remote network and its gateway.
#[derive(Debug)]
pub(crate) struct Network<'a> {
    scenario: &'a Scenario,
    spread: Option<Spread>,
    gateway: Gateway,
    sources: Vec<Source>,
    /// When each source's pool wants to be told that time has passed; all of them side by side, since they are looked at often.
    timeouts: Vec<Option<Instant>>,
    endpoints: Vec<Endpoint>,
    wheel: Wheel<Event>,
    windows: Windows,
    random: Random,
    epoch: Instant,
    now: u64,
    outcome: Outcome,
}

impl<'a> Network<'a> {
    pub(crate) fn new(scenario: &'a Scenario, index: u32, is_spread: bool) -> Self {
        let mut random = Random::new(
            scenario
                .seed
                .wrapping_mul(1_000_003)
                .wrapping_add(u64::from(index)),
        );
        let endpoints = scenario.endpoints_per_network();
        let weights: Vec<u32> = (0..endpoints)
            .map(|endpoint| WEIGHTS[endpoint as usize % WEIGHTS.len()])
            .collect();
        let weight = weights.iter().sum();
        let sources = (0..scenario.sources).map(|_| {
            Source::new(scenario.requests_per_second * 2_f64.powf(2.0 * random.unit() - 1.0))
        });
        Self {
            scenario,
            spread: is_spread.then(|| scenario.spread(weight)),
            sources: sources.collect(),
            timeouts: vec![None; scenario.sources as usize],
            endpoints: weights
                .iter()
                .map(|weight| Endpoint::new(*weight, &mut random))
                .collect(),
            gateway: Gateway::new(scenario, weights, Random::new(random.bits())),
            wheel: Wheel::new(),
            windows: Windows::new(endpoints as usize),
            random,
            epoch: Instant::now(),
            now: 0,
            outcome: Outcome::default(),
        }
    }

    /// Runs the whole time.
    pub(crate) fn run(mut self) -> Outcome {
        let end = u64::from(self.scenario.minutes) * MINUTE;
        for source in 0..self.sources.len() {
            self.plan_arrival(source);
        }
        let mut events = Vec::new();
        while self.now < end {
            self.now += 1;
            self.wheel.take(self.now, &mut events);
            for event in events.drain(..) {
                self.handle(event);
            }
            if self.now.is_multiple_of(TIMER_GRAIN) {
                self.pass_time();
            }
            if self.now.is_multiple_of(SECOND) {
                self.follow_plan();
            }
            if self.now.is_multiple_of(WINDOW) {
                self.windows.close(self.now, self.gateway.weights());
                self.outcome.held += self
                    .sources
                    .iter()
                    .map(|source| source.connections.len() as u64)
                    .sum::<u64>();
                self.outcome.samples += 1;
            }
        }
        self.outcome.deviation = self.windows.summary();
        self.outcome
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Arrival(source) => {
                self.plan_arrival(source);
                self.request(source);
            }
            Event::Dialled(source, connection) => self.end_dial(source, connection),
            Event::Ended(source, ticket) => {
                let now = self.instant();
                // the ticket of a connection that was lost may have ended before
                let _ = self.sources[source].pool.handle_stream_ended(ticket, now);
                self.obey(source);
            }
        }
    }

    fn plan_arrival(&mut self, source: usize) {
        let wait =
            SECOND as f64 * self.random.exponential() / self.sources[source].requests_per_second;
        let wait = (wait as u64).clamp(1, crate::wheel::SPAN - 1);
        self.wheel.add(self.now + wait, Event::Arrival(source));
    }

    fn request(&mut self, source: usize) {
        self.outcome.requests += 1;
        let now = self.instant();
        let pool = &mut self.sources[source].pool;
        let answer = match self.spread {
            Some(spread) => pool.request_spread(&NETWORK, spread, now),
            None => pool.request(&NETWORK, now),
        };
        match answer {
            Ok(Checkout::Ready { ticket, connection }) => self.serve(source, ticket, connection),
            Ok(_) => {}
            Err(_) => self.outcome.failed += 1,
        }
        self.obey(source);
    }

    /// A request is on its way through a connection.
    fn serve(&mut self, source: usize, ticket: TicketId, connection: ConnectionId) {
        let held = self.sources[source]
            .connections
            .iter()
            .find(|held| held.id == connection);
        let Some(endpoint) = held.map(|held| held.endpoint) else {
            return;
        };
        self.windows.count(endpoint);
        let mean = self.endpoints[endpoint].latency;
        let latency = (mean * self.random.exponential()) as u64;
        let at = self.now + latency.clamp(1, crate::wheel::SPAN - 1);
        self.wheel.add(at, Event::Ended(source, ticket));
    }

    fn obey(&mut self, source: usize) {
        while let Some(action) = self.sources[source].pool.poll_action() {
            match action {
                Action::Assign { ticket, connection } => self.serve(source, ticket, connection),
                Action::Close { connection, .. } => self.drop_connection(source, connection),
                Action::Dial { connection, .. } => self.begin_dial(source, connection),
                Action::Fail { .. } => self.outcome.failed += 1,
                _ => {}
            }
        }
        self.timeouts[source] = self.sources[source].pool.poll_timeout();
    }

    fn begin_dial(&mut self, source: usize, id: ConnectionId) {
        self.outcome.handshakes += 1;
        if let Some((replica, endpoint)) = self.gateway.open(source) {
            let held = Held {
                id,
                replica,
                endpoint,
                is_up: false,
            };
            self.sources[source].connections.push(held);
        }
        let latency = DIAL + self.random.below(DIAL as usize) as u64;
        self.wheel
            .add(self.now + latency, Event::Dialled(source, id));
    }

    /// The dial has failed if what it goes through was lost meanwhile.
    fn end_dial(&mut self, source: usize, id: ConnectionId) {
        let (now, entropy) = (self.instant(), self.random.bits());
        let from = &mut self.sources[source];
        // calls about a dial that the pool has given up change nothing
        let _ = match from.connections.iter_mut().find(|held| held.id == id) {
            Some(held) => {
                held.is_up = true;
                let _ = from.pool.handle_connected(id, entropy, now);
                from.pool.handle_settings(id, Some(STREAMS), now)
            }
            None => from.pool.handle_dial_failed(id, (), entropy, now),
        };
        self.obey(source);
    }

    fn drop_connection(&mut self, source: usize, id: ConnectionId) {
        let connections = &mut self.sources[source].connections;
        if let Some(at) = connections.iter().position(|held| held.id == id) {
            let held = connections.swap_remove(at);
            self.gateway.close(held.replica, held.endpoint);
        }
    }

    fn pass_time(&mut self) {
        let now = self.instant();
        for source in 0..self.sources.len() {
            if self.timeouts[source].is_some_and(|at| at <= now) {
                self.sources[source].pool.handle_timeout(now);
                self.obey(source);
            }
        }
    }

    /// Deploys, restarts, and who is slow.
    fn follow_plan(&mut self) {
        let second = self.now / SECOND;
        let deploy = u64::from(self.scenario.deploy_each_minutes) * 60;
        let endpoint = ((second / deploy) * 37) as usize % self.endpoints.len();
        match second % deploy {
            60 => {
                self.windows.note_change(self.now);
                self.gateway.set_weight(endpoint, 0);
                self.lose(Loss::GoAway, |held| held.endpoint == endpoint);
            }
            70 => {
                self.windows.note_change(self.now);
                self.lose(Loss::Closed, |held| held.endpoint == endpoint);
                self.gateway
                    .set_weight(endpoint, self.endpoints[endpoint].weight);
            }
            _ => {}
        }
        let restart = u64::from(self.scenario.restart_each_minutes) * 60;
        let replica = (second / restart) as usize % self.scenario.replicas as usize;
        match second % restart {
            500 => {
                self.gateway.restart(replica);
                self.lose(Loss::Closed, |held| held.replica == replica);
            }
            520 => self.gateway.rejoin(replica),
            _ => {}
        }
        if second.is_multiple_of(300) {
            let is_slow_time = (second / 300) % 2 == 1;
            let one_in = self.scenario.slow_one_in as usize;
            for (index, endpoint) in self.endpoints.iter_mut().enumerate() {
                let is_slow = is_slow_time && index % one_in == 0;
                endpoint.latency = endpoint.usual_latency * if is_slow { 10.0 } else { 1.0 };
            }
        }
    }

    fn lose(&mut self, loss: Loss, chosen: impl Fn(&Held) -> bool) {
        let now = self.instant();
        for source in 0..self.sources.len() {
            let lost: Vec<Held> = self.sources[source]
                .connections
                .iter()
                .filter(|held| chosen(held))
                .copied()
                .collect();
            for held in lost {
                if loss == Loss::Closed || !held.is_up {
                    self.drop_connection(source, held.id);
                }
                if held.is_up {
                    let pool = &mut self.sources[source].pool;
                    // both calls are in order for a connection that is up
                    let _ = match loss {
                        Loss::Closed => pool.handle_closed(held.id, now),
                        Loss::GoAway => pool.handle_goaway(held.id, now),
                    };
                }
            }
            self.obey(source);
        }
    }

    fn instant(&self) -> Instant {
        self.epoch + Duration::from_millis(self.now)
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Arrival(usize),
    Dialled(usize, ConnectionId),
    Ended(usize, TicketId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Closed,
    GoAway,
}

#[derive(Debug)]
struct Source {
    pool: Pool<u32, ()>,
    requests_per_second: f64,
    connections: Vec<Held>,
}

impl Source {
    fn new(requests_per_second: f64) -> Self {
        Self {
            pool: Pool::new(PoolConfig::new()),
            requests_per_second,
            connections: Vec::new(),
        }
    }
}

/// An inner connection, and where the gateway has taken it.
#[derive(Clone, Copy, Debug)]
struct Held {
    id: ConnectionId,
    replica: usize,
    endpoint: usize,
    is_up: bool,
}

#[derive(Debug)]
struct Endpoint {
    weight: u32,
    /// The mean time of a request in milliseconds: usually, and now.
    usual_latency: f64,
    latency: f64,
}

impl Endpoint {
    fn new(weight: u32, random: &mut Random) -> Self {
        let usual_latency = 10.0 + 30.0 * random.unit();
        Self {
            weight,
            usual_latency,
            latency: usual_latency,
        }
    }
}

/// The pool's key: each network is simulated by itself.
const NETWORK: u32 = 0;

/// The weights that the endpoints have by turns: most are alike, a few are larger.
const WEIGHTS: [u32; 5] = [2, 2, 2, 3, 4];

/// The MAX_CONCURRENT_STREAMS of every endpoint.
const STREAMS: u32 = 100;

/// In milliseconds.
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
/// A dial takes from once to twice this.
const DIAL: u64 = 60;
/// How often the timers of the pools are looked at.
const TIMER_GRAIN: u64 = 100;
