use std::time::Instant;

use hbone::pool::{Failure, TicketId};
use hbone::{Dial, DialError, EstablishError, Lifecycle, Request, Route, StreamAction};

/// One `connect()` of an application, and the tunnel that may come of it.
pub(crate) struct Walk {
    pub(crate) dial: Dial,
    pub(crate) ending: Option<Ending>,
    pub(crate) tunnel: Option<Lifecycle>,
    /// What was said to the peer on the innermost stream: resets of CONNECTs, and all that the tunnel said.
    pub(crate) said: Vec<StreamAction>,
    pub(super) route: Route,
    pub(super) began_at: Instant,
    pub(super) ended_at: Option<Instant>,
    /// A place in the queue of the pool.
    pub(super) waiting: Option<TicketId>,
    /// What the pool has given for level 0, until the stream there has ended.
    pub(super) ticket: Option<TicketId>,
    pub(super) pool_failure: Option<Failure<EstablishError>>,
    /// The connection of each level, while it is used.
    pub(super) links: Vec<Option<usize>>,
    /// The stream of each level, from its CONNECT to its end.
    pub(super) streams: Vec<Option<Stream>>,
    /// The CONNECT that waits for its answer.
    pub(super) request: Option<Request>,
    /// The connections that level 0 has used.
    pub(super) used: Vec<usize>,
}

/// How a walk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Open,
    Dial(DialError),
    Pool(Failure<EstablishError>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) link: usize,
    pub(super) id: u32,
}

impl Walk {
    pub(super) fn new(route: Route, dial: Dial, now: Instant) -> Self {
        let levels = route.len();
        Self {
            dial,
            ending: None,
            tunnel: None,
            said: Vec::new(),
            route,
            began_at: now,
            ended_at: None,
            waiting: None,
            ticket: None,
            pool_failure: None,
            links: vec![None; levels],
            streams: vec![None; levels],
            request: None,
            used: Vec::new(),
        }
    }

    /// Where the peer of a level is: its address, or the authority that led to it in brackets.
    pub(crate) fn place(&self, level: usize) -> String {
        match level.checked_sub(1) {
            None => self.route.address().to_string(),
            Some(outer) => format!("[{}]", self.route.hop(outer).unwrap().connect.authority),
        }
    }

    /// Whether the pool counts a stream that has not been opened.
    pub(super) fn holds_unused_ticket(&self) -> bool {
        self.ticket.is_some() && self.streams[0].is_none()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let request = self.request.as_ref().and_then(Request::poll_timeout);
        self.dial.poll_timeout().into_iter().chain(request).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.dial.handle_timeout(now);
        if let Some(request) = &mut self.request {
            request.handle_timeout(now);
        }
    }
}
