mod deliver;
mod link;
mod settle;
mod walk;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hbone::pool::{Pool, PoolConfig};
use hbone::{
    Connect, Cut, Dial, DialLimits, EstablishError, ExpectedIdentities, Hop, Identity,
    KeepaliveConfig, RequestLimits, Route, Timeouts,
};

use super::epoch::epoch;
use super::peer::{Frame, Peer};
use super::queue::Queue;
use link::Link;
pub(crate) use walk::{Ending, Walk};

/// Whoever opens tunnels: any number of walks over routes, the connections under them, and the pool that shares these.
///
/// Connections to the first hop are pooled, if there is a pool; those inside a tunnel belong to their walk, as ztunnel has it.
pub(crate) struct Client {
    pub(crate) peers: BTreeMap<String, Peer>,
    pub(crate) timeouts: Timeouts,
    pub(crate) request_limits: RequestLimits,
    pub(crate) dial_limits: DialLimits,
    pub(crate) keepalive: Option<KeepaliveConfig>,
    /// The last stream id that a connection may use: 2^31-1 outside of tests.
    pub(crate) last_stream_id: u32,
    /// TCP connections begun.
    pub(crate) dials: usize,
    pub(crate) walks: Vec<Walk>,
    pub(crate) pool: Option<Pool<String, EstablishError>>,
    links: Vec<Link>,
    queue: Queue<Event>,
    now: Instant,
    steps: usize,
}

/// What is going to happen.
enum Event {
    /// The test does something.
    Act(Box<dyn FnOnce(&mut Client)>),
    /// A stage of a connection ends as its peer's script says.
    Stage { link: usize },
    /// The peer does something on a stream.
    Frame {
        link: usize,
        stream: u32,
        frame: Frame,
    },
    /// The answer to a PING.
    Pong { link: usize },
}

impl Client {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with_pool(seed, PoolConfig::new().max_wait(Duration::from_secs(3)))
    }

    pub(crate) fn with_pool(seed: u64, config: PoolConfig) -> Self {
        let mut client = Self::without_pool(seed);
        client.pool = Some(Pool::new(config));
        client
    }

    /// Every walk makes its own connections.
    pub(crate) fn without_pool(seed: u64) -> Self {
        let second = Duration::from_secs(1);
        let now = epoch();
        let mut request_limits = RequestLimits::default();
        request_limits.response = second;
        Self {
            peers: BTreeMap::new(),
            timeouts: Timeouts::each(second),
            request_limits,
            dial_limits: DialLimits::default(),
            keepalive: Some(KeepaliveConfig::new(super::ms(200), super::ms(400))),
            last_stream_id: (1 << 31) - 1,
            dials: 0,
            walks: Vec::new(),
            pool: None,
            links: Vec::new(),
            queue: Queue::new(seed),
            now,
            steps: 0,
        }
    }

    /// A peer at an address, or, inside a tunnel, behind an authority: see [`Walk::place`].
    pub(crate) fn peer(mut self, place: &str, peer: Peer) -> Self {
        self.peers.insert(place.to_owned(), peer);
        self
    }

    /// Begins to open a tunnel now; the number names the walk from now on.
    pub(crate) fn connect(&mut self, address: &str, authorities: &[&str]) -> usize {
        let who: Identity = "spiffe://cluster.local/ns/default/sa/server"
            .parse()
            .unwrap();
        let mut hops = authorities.iter().map(|authority| {
            let connect = Connect::new(authority.parse().unwrap());
            Hop::new(connect, ExpectedIdentities::from(who.clone()))
        });
        let first = hops.next().expect("a route has a first hop");
        let route = hops.fold(Route::new(address.parse().unwrap(), first), Route::through);
        let dial = Dial::new(&route, self.dial_limits, self.now);
        self.walks.push(Walk::new(route, dial, self.now));
        self.walks.len() - 1
    }

    /// Gives a walk up, or drops its tunnel: whichever there is.
    pub(crate) fn give_up(&mut self, walk: usize) {
        let walk = &mut self.walks[walk];
        match &mut walk.tunnel {
            Some(tunnel) => tunnel.cut(Cut::Abandoned),
            None => walk.dial.cancel(),
        }
    }

    /// Says that the application has nothing more to send.
    pub(crate) fn finish(&mut self, walk: usize) {
        let tunnel = self.walks[walk].tunnel.as_mut();
        tunnel.expect("the tunnel is open").finish();
    }

    /// Does something after so much time.
    pub(crate) fn after(&mut self, wait: Duration, act: impl FnOnce(&mut Self) + 'static) {
        self.queue.push(self.now + wait, Event::Act(Box::new(act)));
    }

    /// Lets the peer of a walk do something on its innermost stream now.
    pub(crate) fn peer_does(&mut self, walk: usize, frame: Frame) {
        let level = self.walks[walk].route.len() - 1;
        self.push_frame(walk, level, frame);
    }

    /// The same on its outermost stream.
    pub(crate) fn outer_does(&mut self, walk: usize, frame: Frame) {
        self.push_frame(walk, 0, frame);
    }

    /// From now on nothing arrives on the connections that there are to a place; others are not affected.
    pub(crate) fn silence_links_of(&mut self, place: &str) {
        for link in &mut self.links {
            link.silent |= link.place == place;
        }
    }

    fn push_frame(&mut self, walk: usize, level: usize, frame: Frame) {
        let stream = self.walks[walk].streams[level].expect("the stream is open");
        let (link, stream) = (stream.link, stream.id);
        self.queue.push(
            self.now,
            Event::Frame {
                link,
                stream,
                frame,
            },
        );
    }

    /// Lets so much time pass, with everything that happens in it.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            self.check();
            let timer = self.poll_timeout().filter(|at| *at <= end);
            let event = self.queue.next_at().filter(|at| *at <= end);
            let Some(at) = timer.into_iter().chain(event).min() else {
                break;
            };
            self.now = self.now.max(at);
            // Of a timer and an event at the same instant, either may come first.
            let timer_first = self.queue.roll() & 1 == 0;
            if event.is_none_or(|event| event > at)
                || timer.is_some_and(|timer| timer <= at) && timer_first
            {
                self.handle_timeout();
            } else if let Some(event) = self.queue.pop() {
                self.deliver(event);
            }
            self.steps += 1;
            assert!(self.steps < 1_000_000, "the world spins");
        }
        self.now = end;
    }

    /// How long after its beginning a walk ended.
    pub(crate) fn time_of(&self, walk: usize) -> Duration {
        let walk = &self.walks[walk];
        walk.ended_at.expect("it has ended") - walk.began_at
    }

    pub(crate) fn ending(&self, walk: usize) -> &Ending {
        let ending = self.walks[walk].ending.as_ref();
        ending.unwrap_or_else(|| panic!("walk {walk} has not ended: {:?}", self.walks[walk].dial))
    }

    pub(crate) fn opened(&self) -> usize {
        let open = |walk: &&Walk| matches!(walk.ending, Some(Ending::Open));
        self.walks.iter().filter(open).count()
    }

    /// On which connection the first hop of a walk is, or was.
    pub(crate) fn link_of(&self, walk: usize) -> usize {
        *self.walks[walk]
            .used
            .last()
            .expect("it has used a connection")
    }

    /// How many connections are up or being made.
    pub(crate) fn links(&self) -> usize {
        self.links.iter().filter(|link| !link.closed).count()
    }

    /// How many streams there are on connections that are up.
    pub(crate) fn streams(&self) -> usize {
        self.links.iter().map(|link| link.streams.len()).sum()
    }

    /// What must hold at every instant: the pool counts what there is, and nobody is forgotten.
    fn check(&self) {
        if let Some(pool) = &self.pool {
            let pooled = |link: &&Link| link.pooled.is_some();
            let streams: usize = self
                .links
                .iter()
                .filter(pooled)
                .map(|link| link.streams.len())
                .sum();
            let reserved = self
                .walks
                .iter()
                .filter(|walk| walk.holds_unused_ticket())
                .count();
            assert_eq!(pool.counts().streams, streams + reserved, "streams");
            let waiting = self
                .walks
                .iter()
                .filter(|walk| walk.waiting.is_some())
                .count();
            assert_eq!(pool.counts().waiting, waiting, "waiting");
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let pool = self.pool.as_ref().and_then(Pool::poll_timeout);
        let links = self.links.iter().filter_map(Link::poll_timeout);
        let walks = self.walks.iter().filter_map(Walk::poll_timeout);
        pool.into_iter().chain(links).chain(walks).min()
    }

    /// Every machine is told, whether its time has come or not: that must be harmless.
    fn handle_timeout(&mut self) {
        let now = self.now;
        if let Some(pool) = &mut self.pool {
            pool.handle_timeout(now);
        }
        for link in &mut self.links {
            link.handle_timeout(now);
        }
        for walk in &mut self.walks {
            walk.handle_timeout(now);
        }
    }
}
