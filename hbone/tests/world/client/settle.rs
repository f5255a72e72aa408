//! Carrying out what the machines want, until none of them wants anything.

use hbone::pool::{Action, Checkout, ConnectionId, Failure, TicketId};
use hbone::{
    DialAction, Establish, EstablishError, KeepaliveAction, Lifecycle, LinkFailure, Loss, Reason,
    Request, RequestAction, RequestError, Role, StreamAction,
};

use super::walk::Stream;
use super::{Client, Ending, Event, Link};

impl Client {
    pub(super) fn settle(&mut self) {
        loop {
            let mut moved = false;
            while let Some(action) = self.pool.as_mut().and_then(|pool| pool.poll_action()) {
                moved = true;
                self.pool_action(action);
            }
            for link in 0..self.links.len() {
                moved |= self.settle_link(link);
            }
            for walk in 0..self.walks.len() {
                moved |= self.settle_walk(walk);
            }
            if !moved {
                return;
            }
        }
    }

    fn pool_action(&mut self, action: Action<String, EstablishError>) {
        match action {
            Action::Dial { connection, key } => self.dial_tcp(&key, |link| {
                link.pooled = Some(connection);
            }),
            Action::Close { connection, .. } => {
                let link = self.link_named(connection);
                assert!(
                    self.links[link].streams.is_empty(),
                    "closed with streams on it"
                );
                self.links[link].closed = true;
            }
            Action::Assign { ticket, connection } => {
                // It waited for this one, so the walk takes it for new: as far as it knows, it has been dialled.
                let walk = self.walk_waiting(ticket);
                self.walks[walk].waiting = None;
                let dial = &mut self.walks[walk].dial;
                dial.handle_checkout(0, false).unwrap();
                let asked = dial.poll();
                assert_eq!(asked, Some(DialAction::Establish { level: 0 }));
                dial.handle_establish(0, Ok(())).unwrap();
                self.take(walk, ticket, connection);
            }
            Action::Fail { ticket, failure } => {
                let walk = self.walk_waiting(ticket);
                self.walks[walk].waiting = None;
                self.pool_failed(walk, failure);
            }
            other => panic!("the pool has learnt something new: {other:?}"),
        }
    }

    fn settle_link(&mut self, link: usize) -> bool {
        if self.links[link].closed {
            return false;
        }
        if let Some(outcome) = self.links[link].establish.poll() {
            self.established(link, outcome.map(drop));
            return true;
        }
        let Some(keepalive) = &mut self.links[link].keepalive else {
            return false;
        };
        match keepalive.poll_action() {
            None => return false,
            Some(KeepaliveAction::Ping) => {
                let at = self.now + super::super::ms(1);
                self.queue.push(at, Event::Pong { link });
            }
            Some(KeepaliveAction::Close) => self.lose(link, &LinkFailure::Closed, Loss::Unanswered),
            Some(other) => panic!("keepalive has learnt something new: {other:?}"),
        }
        true
    }

    fn established(&mut self, link: usize, outcome: Result<(), EstablishError>) {
        let now = self.now;
        let entropy = self.queue.roll();
        match &outcome {
            Ok(()) => {
                self.links[link].keepalive = Some(hbone::Keepalive::new(self.keepalive, now));
            }
            Err(_) => self.links[link].closed = true,
        }
        if let (Some(pool), Some(connection)) = (&mut self.pool, self.links[link].pooled) {
            match outcome {
                Ok(()) => {
                    pool.handle_connected(connection, entropy, now).unwrap();
                    let max = self.links[link].max_streams;
                    pool.handle_settings(connection, max, now).unwrap();
                }
                Err(error) => {
                    pool.handle_dial_failed(connection, error, entropy, now)
                        .unwrap();
                }
            }
        } else if let Some((walk, level)) = self.links[link].owner {
            self.walks[walk]
                .dial
                .handle_establish(level, outcome)
                .unwrap();
        }
    }

    fn settle_walk(&mut self, walk: usize) -> bool {
        if let Some(action) = self.walks[walk].request.as_mut().and_then(Request::poll) {
            self.request_action(walk, action);
            return true;
        }
        if let Some(action) = self.walks[walk].dial.poll() {
            self.dial_action(walk, action);
            return true;
        }
        let Some(tunnel) = &mut self.walks[walk].tunnel else {
            return false;
        };
        if let Some(action) = tunnel.poll_stream() {
            self.walks[walk].said.push(action);
            return true;
        }
        if tunnel.is_over() && self.walks[walk].streams[0].is_some() {
            self.release(walk, 0, false);
            return true;
        }
        false
    }

    fn request_action(&mut self, walk: usize, action: RequestAction) {
        let level = self.walks[walk].dial.level();
        match action {
            RequestAction::Reset(reason) => self.walks[walk].said.push(StreamAction::Reset(reason)),
            RequestAction::Ended(outcome) => {
                self.walks[walk].request = None;
                if let Err(error) = &outcome {
                    let refused = *error == RequestError::Reset(Reason::REFUSED_STREAM);
                    self.release(walk, level, refused);
                }
                let outcome = outcome.map(drop);
                self.walks[walk]
                    .dial
                    .handle_request(level, outcome)
                    .unwrap();
            }
            other => panic!("a request has learnt something new: {other:?}"),
        }
    }

    fn dial_action(&mut self, walk: usize, action: DialAction) {
        assert!(self.walks[walk].ending.is_none(), "a walk ends once");
        match action {
            DialAction::Abandon { level } => self.abandon(walk, level),
            DialAction::Checkout { level, elsewhere } => {
                self.release(walk, level, false);
                self.checkout(walk, level, elsewhere);
            }
            DialAction::Establish { level: 0 } => {
                let address = self.walks[walk].place(0);
                self.dial_tcp(&address, |link| link.owner = Some((walk, 0)));
                self.use_link(walk, 0, self.links.len() - 1);
            }
            DialAction::Establish { level } => self.establish_inside(walk, level),
            DialAction::Request { level } => self.open(walk, level),
            DialAction::Ended(outcome) => {
                let failure = self.walks[walk].pool_failure.take();
                let ending = match (outcome, failure) {
                    (Ok(()), _) => Ending::Open,
                    (Err(_), Some(failure)) => Ending::Pool(failure),
                    (Err(error), None) => Ending::Dial(error),
                };
                if ending == Ending::Open {
                    self.walks[walk].tunnel = Some(Lifecycle::new(Role::Client));
                } else {
                    self.release(walk, 0, false);
                }
                self.walks[walk].ending = Some(ending);
                self.walks[walk].ended_at = Some(self.now);
            }
            other => panic!("a walk has learnt something new: {other:?}"),
        }
    }

    fn abandon(&mut self, walk: usize, level: usize) {
        if let (Some(pool), Some(ticket)) = (&mut self.pool, self.walks[walk].waiting.take()) {
            assert!(pool.cancel(ticket, self.now), "it was waiting");
        }
        if let Some(mut request) = self.walks[walk].request.take() {
            request.cancel();
            while let Some(action) = request.poll() {
                if let RequestAction::Reset(reason) = action {
                    self.walks[walk].said.push(StreamAction::Reset(reason));
                }
            }
        }
        self.release(walk, level, false);
    }

    fn checkout(&mut self, walk: usize, level: usize, elsewhere: bool) {
        let place = self.walks[walk].place(level);
        let Some(pool) = self.pool.as_mut().filter(|_| level == 0) else {
            self.walks[walk].dial.handle_checkout(level, false).unwrap();
            return;
        };
        match pool.request(&place, self.now) {
            Ok(Checkout::Ready { ticket, connection }) => {
                self.walks[walk].dial.handle_checkout(0, true).unwrap();
                self.take(walk, ticket, connection);
            }
            Ok(Checkout::Waiting { ticket }) => self.walks[walk].waiting = Some(ticket),
            Ok(other) => panic!("the pool has learnt something new: {other:?}"),
            Err(failure) => self.pool_failed(walk, failure),
        }
        let used = &self.walks[walk].used;
        if let [.., before, now] = used[..]
            && elsewhere
            && self.walks[walk].links[0] == Some(now)
        {
            assert_ne!(before, now, "elsewhere means elsewhere");
        }
    }

    /// The pool has given a walk a connection.
    fn take(&mut self, walk: usize, ticket: TicketId, connection: ConnectionId) {
        let link = self.link_named(connection);
        assert!(
            !self.links[link].closed,
            "the pool gave a connection that is gone"
        );
        self.walks[walk].ticket = Some(ticket);
        self.use_link(walk, 0, link);
    }

    fn pool_failed(&mut self, walk: usize, failure: Failure<EstablishError>) {
        let walk = &mut self.walks[walk];
        match failure {
            Failure::Dial { error, .. } => {
                walk.dial.handle_establish(0, Err(error)).unwrap();
            }
            other => {
                walk.pool_failure = Some(other);
                walk.dial.cancel();
            }
        }
    }

    fn dial_tcp(&mut self, place: &str, whose: impl FnOnce(&mut Link)) {
        self.dials += 1;
        let expect = "spiffe://cluster.local/ns/default/sa/server"
            .parse::<hbone::Identity>()
            .unwrap();
        let address = place.parse().unwrap();
        let establish = Establish::over_tcp(address, expect.into(), self.timeouts, self.now);
        let mut link = Link::new(place.to_owned(), establish);
        whose(&mut link);
        self.links.push(link);
        self.schedule_stage(self.links.len() - 1);
    }

    fn establish_inside(&mut self, walk: usize, level: usize) {
        let hop = self.walks[walk].route.hop(level).unwrap();
        let establish = Establish::over_tunnel(hop.expect.clone(), self.timeouts, self.now);
        let mut link = Link::new(self.walks[walk].place(level), establish);
        link.owner = Some((walk, level));
        self.links.push(link);
        let link = self.links.len() - 1;
        self.use_link(walk, level, link);
        self.schedule_stage(link);
    }

    fn open(&mut self, walk: usize, level: usize) {
        let link = self.walks[walk].links[level].expect("there is a connection");
        let (id, is_allowed) = self.links[link].open_stream((walk, level));
        let state = &mut self.walks[walk];
        state.streams[level] = Some(Stream { link, id });
        state.request = Some(Request::new(self.request_limits, self.now));
        if is_allowed {
            self.schedule_answer(link, id);
        }
        if id + 2 > self.last_stream_id
            && let (Some(pool), Some(connection)) = (&mut self.pool, self.links[link].pooled)
        {
            // Its ids are used up, so it is as good as one that is going away.
            self.links[link].going_away = true;
            pool.handle_goaway(connection, self.now).unwrap();
        }
    }

    fn use_link(&mut self, walk: usize, level: usize, link: usize) {
        let walk = &mut self.walks[walk];
        walk.links[level] = Some(link);
        if level == 0 {
            walk.used.push(link);
        }
    }

    /// Gives back what a walk holds at a level and inside of it.
    pub(super) fn release(&mut self, walk: usize, level: usize, refused: bool) {
        for level in (level..self.walks[walk].links.len()).rev() {
            if let Some(stream) = self.walks[walk].streams[level].take() {
                self.links[stream.link].streams.remove(&stream.id);
            }
            if let Some(link) = self.walks[walk].links[level].take()
                && self.links[link].owner.is_some()
            {
                self.links[link].closed = true;
            }
        }
        if level == 0
            && let (Some(pool), Some(ticket)) = (&mut self.pool, self.walks[walk].ticket.take())
        {
            let told = if refused {
                pool.handle_stream_refused(ticket, self.now)
            } else {
                pool.handle_stream_ended(ticket, self.now)
            };
            told.unwrap();
        }
    }

    fn link_named(&self, connection: ConnectionId) -> usize {
        let named = |link: &Link| link.pooled == Some(connection);
        self.links
            .iter()
            .position(named)
            .expect("the pool named it")
    }

    fn walk_waiting(&self, ticket: TicketId) -> usize {
        let waiting = |walk: &super::Walk| walk.waiting == Some(ticket);
        self.walks
            .iter()
            .position(waiting)
            .expect("only who waits is answered")
    }
}
