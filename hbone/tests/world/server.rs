use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hbone::policy::DestinationPolicy;
use hbone::{
    Admission, Attempt, Connect, ConnectOptions, Cut, Drain, DrainAction, DrainConfig, Lifecycle,
    Loss, Reason, Reject, Role, Serve, ServeAction, ServeConfig, SocketAction, StreamAction,
};
use http::{Method, Request};

use super::epoch::epoch;
use super::queue::Queue;

/// One connection of a client to us, with the tunnels that are asked for on it, the resolver and the network behind us.
pub(crate) struct Server {
    pub(crate) policy: DestinationPolicy,
    pub(crate) config: ServeConfig,
    pub(crate) drain: Drain,
    /// What the resolver says; a name that is not here gets no answer at all.
    pub(crate) names: BTreeMap<String, Result<Vec<SocketAddr>, Reject>>,
    /// What becomes of a dial, after how long; an address that is not here never answers.
    pub(crate) network: BTreeMap<SocketAddr, (Duration, Result<(), ErrorKind>)>,
    /// Whether the client reads what we send, and so acknowledges an announcement.
    pub(crate) client_reads: bool,
    pub(crate) streams: Vec<Served>,
    /// Everything that was asked of the resolver, and dialled.
    pub(crate) queries: Vec<String>,
    pub(crate) dials: Vec<SocketAddr>,
    /// What the end of the connection took, with the time since the beginning.
    pub(crate) drained: Vec<(Duration, DrainAction)>,
    pub(crate) closed: bool,
    queue: Queue<Event>,
    start: Instant,
    now: Instant,
}

/// One CONNECT that came, and what became of it.
pub(crate) struct Served {
    /// What the peer was told, if anything.
    pub(crate) answer: Option<Answer>,
    pub(crate) tunnel: Option<Lifecycle>,
    /// What was said on the stream behind the answer, and done to the upstream socket.
    pub(crate) said: Vec<StreamAction>,
    pub(crate) socket: Vec<SocketAction>,
    serve: Option<Serve>,
    is_counted: bool,
    /// The query or attempt that the caller has begun; its answer comes only as long as it is this one.
    under_way: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted,
    Rejected(Reject),
    /// The stream was reset before anybody looked at it.
    Refused(Reason),
}

enum Event {
    Act(Box<dyn FnOnce(&mut Server)>),
    Resolved {
        stream: usize,
        under_way: u64,
        name: String,
    },
    Dialled {
        stream: usize,
        under_way: u64,
        attempt: Attempt,
        outcome: Result<(), ErrorKind>,
    },
    Announced,
}

impl Server {
    pub(crate) fn new(seed: u64, policy: DestinationPolicy) -> Self {
        let now = epoch();
        Self {
            policy,
            config: ServeConfig::default(),
            drain: Drain::new(Role::Server, DrainConfig::default()),
            names: BTreeMap::new(),
            network: BTreeMap::new(),
            client_reads: true,
            streams: Vec::new(),
            queries: Vec::new(),
            dials: Vec::new(),
            drained: Vec::new(),
            closed: false,
            queue: Queue::new(seed),
            start: now,
            now,
        }
    }

    /// A host that takes connections within a millisecond.
    pub(crate) fn host(self, address: &str) -> Self {
        self.host_that(address, super::ms(1), Ok(()))
    }

    pub(crate) fn host_that(
        mut self,
        address: &str,
        after: Duration,
        outcome: Result<(), ErrorKind>,
    ) -> Self {
        self.network
            .insert(address.parse().unwrap(), (after, outcome));
        self
    }

    pub(crate) fn name(mut self, name: &str, addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|addr| addr.parse().unwrap()).collect();
        self.names.insert(name.to_owned(), Ok(addresses));
        self
    }

    /// A CONNECT comes now; the number names its stream from now on.
    pub(crate) fn connect(&mut self, authority: &str) -> usize {
        let request = Request::builder().method(Method::CONNECT).uri(authority);
        self.request(request.body(()).unwrap())
    }

    /// A request of any kind comes now.
    pub(crate) fn request(&mut self, request: Request<()>) -> usize {
        let mut served = Served {
            answer: None,
            tunnel: None,
            said: Vec::new(),
            socket: Vec::new(),
            serve: None,
            is_counted: false,
            under_way: None,
        };
        match self.drain.handle_stream() {
            Admission::Refuse(reason) => served.answer = Some(Answer::Refused(reason)),
            Admission::Serve => {
                served.is_counted = true;
                let parts = request.into_parts().0;
                match Connect::from_parts(&parts, ConnectOptions::new()) {
                    Err(reject) => served.answer = Some(Answer::Rejected(reject)),
                    Ok(connect) => {
                        let who = "spiffe://cluster.local/ns/shop/sa/cart".parse().unwrap();
                        let authority = &connect.authority;
                        served.serve = Some(Serve::new(
                            &who,
                            authority,
                            &self.policy,
                            self.config,
                            self.now,
                        ));
                    }
                }
            }
        }
        self.streams.push(served);
        self.streams.len() - 1
    }

    /// The peer resets a stream.
    pub(crate) fn reset(&mut self, stream: usize, reason: Reason) {
        let served = &mut self.streams[stream];
        match (&mut served.tunnel, &mut served.serve) {
            (Some(tunnel), _) => tunnel.handle_reset(reason),
            (None, Some(serve)) => serve.handle_reset(),
            (None, None) => {}
        }
    }

    /// The connection of the peer is gone.
    pub(crate) fn lose(&mut self, loss: Loss) {
        for served in &mut self.streams {
            match (&mut served.tunnel, &mut served.serve) {
                (Some(tunnel), _) => tunnel.handle_lost(loss),
                (None, Some(serve)) => serve.handle_reset(),
                (None, None) => {}
            }
        }
    }

    pub(crate) fn tunnel(&mut self, stream: usize) -> &mut Lifecycle {
        let tunnel = self.streams[stream].tunnel.as_mut();
        tunnel.expect("the tunnel is open")
    }

    pub(crate) fn answer(&self, stream: usize) -> &Answer {
        let served = &self.streams[stream];
        served
            .answer
            .as_ref()
            .unwrap_or_else(|| panic!("stream {stream} has no answer: {:?}", served.serve))
    }

    /// How many dials and queries are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.streams
            .iter()
            .filter(|served| served.under_way.is_some())
            .count()
    }

    /// The program is asked to stop.
    pub(crate) fn signal(&mut self) {
        self.drain.signal(self.now);
    }

    /// Does something after so much time.
    pub(crate) fn after(&mut self, wait: Duration, act: impl FnOnce(&mut Self) + 'static) {
        self.queue.push(self.now + wait, Event::Act(Box::new(act)));
    }

    /// Lets so much time pass, with everything that happens in it.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let timer = self.poll_timeout().filter(|at| *at <= end);
            let event = self.queue.next_at().filter(|at| *at <= end);
            let Some(at) = timer.into_iter().chain(event).min() else {
                break;
            };
            self.now = self.now.max(at);
            let timer_first = self.queue.roll() & 1 == 0;
            if event.is_none_or(|event| event > at)
                || timer.is_some_and(|timer| timer <= at) && timer_first
            {
                self.handle_timeout();
            } else if let Some(event) = self.queue.pop() {
                self.deliver(event);
            }
        }
        self.now = end;
    }

    fn deliver(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Act(act) => act(self),
            Event::Announced => self.drain.handle_announced(),
            Event::Resolved {
                stream,
                under_way,
                name,
            } => {
                let answer = self.names[&name].clone();
                if let Some(serve) = self.answered(stream, under_way) {
                    match answer {
                        Ok(addresses) => serve.handle_resolved(addresses, now),
                        Err(reject) => serve.handle_unresolved(reject),
                    }
                    .unwrap();
                }
            }
            Event::Dialled {
                stream,
                under_way,
                attempt,
                outcome,
            } => {
                if let Some(serve) = self.answered(stream, under_way) {
                    match outcome {
                        Ok(()) => assert!(serve.handle_connected(attempt).unwrap()),
                        Err(kind) => serve.handle_connect_failed(attempt, kind, now).unwrap(),
                    }
                }
            }
        }
    }

    /// The machine that waits for this answer, unless what was under way was abandoned.
    fn answered(&mut self, stream: usize, under_way: u64) -> Option<&mut Serve> {
        let served = &mut self.streams[stream];
        if served.under_way != Some(under_way) {
            return None;
        }
        served.under_way = None;
        served.serve.as_mut()
    }

    fn settle(&mut self) {
        for stream in 0..self.streams.len() {
            self.settle_stream(stream);
        }
        while let Some(action) = self.drain.poll_action() {
            self.drained.push((self.now - self.start, action));
            match action {
                DrainAction::Announce if self.client_reads => {
                    self.queue.push(self.now + super::ms(1), Event::Announced);
                }
                DrainAction::Announce | DrainAction::Finish => {}
                DrainAction::Close => self.closed = true,
                DrainAction::Abort => {
                    self.closed = true;
                    for stream in 0..self.streams.len() {
                        let served = &mut self.streams[stream];
                        match (&mut served.tunnel, &mut served.serve) {
                            (Some(tunnel), _) => tunnel.cut(Cut::Drained),
                            (None, Some(serve)) => serve.reject(Reject::Draining),
                            (None, None) => {}
                        }
                        self.settle_stream(stream);
                    }
                }
                other => panic!("a drain has learnt something new: {other:?}"),
            }
        }
    }

    fn settle_stream(&mut self, stream: usize) {
        while let Some(action) = self.streams[stream]
            .serve
            .as_mut()
            .and_then(Serve::poll_action)
        {
            self.serve_action(stream, action);
        }
        let served = &mut self.streams[stream];
        if let Some(tunnel) = &mut served.tunnel {
            served
                .said
                .extend(std::iter::from_fn(|| tunnel.poll_stream()));
            served
                .socket
                .extend(std::iter::from_fn(|| tunnel.poll_socket()));
        }
        let is_over = match (&served.tunnel, &served.serve) {
            (Some(tunnel), _) => tunnel.is_over(),
            (None, Some(serve)) => serve.end_reached().is_some(),
            (None, None) => true,
        };
        if is_over && std::mem::take(&mut served.is_counted) {
            self.drain.handle_stream_end().unwrap();
        }
    }

    fn serve_action(&mut self, stream: usize, action: ServeAction) {
        let under_way = self.queue.roll();
        let served = &mut self.streams[stream];
        assert_eq!(served.answer, None, "nothing follows the answer");
        match action {
            ServeAction::Abandon => {
                assert!(
                    served.under_way.take().is_some(),
                    "there was something to abandon"
                );
            }
            ServeAction::Resolve(authority) => {
                served.under_way = Some(under_way);
                let name = authority.to_string();
                self.queries.push(name.clone());
                if self.names.contains_key(&name) {
                    let event = Event::Resolved {
                        stream,
                        under_way,
                        name,
                    };
                    self.queue.push(self.now + super::ms(1), event);
                }
            }
            ServeAction::Connect(attempt, to) => {
                served.under_way = Some(under_way);
                self.dials.push(to.addr());
                if let Some((after, outcome)) = self.network.get(&to.addr()) {
                    let event = Event::Dialled {
                        stream,
                        under_way,
                        attempt,
                        outcome: *outcome,
                    };
                    self.queue.push(self.now + *after, event);
                }
            }
            ServeAction::Accept => {
                served.answer = Some(Answer::Accepted);
                served.tunnel = Some(Lifecycle::new(Role::Server));
            }
            ServeAction::Reject(reject) => served.answer = Some(Answer::Rejected(reject)),
            other => panic!("serving has learnt something new: {other:?}"),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let serves = self
            .streams
            .iter()
            .filter_map(|served| served.serve.as_ref()?.poll_timeout());
        serves.chain(self.drain.poll_timeout()).min()
    }

    fn handle_timeout(&mut self) {
        self.drain.handle_timeout(self.now);
        for served in &mut self.streams {
            if let Some(serve) = &mut served.serve {
                serve.handle_timeout(self.now);
            }
        }
    }
}
