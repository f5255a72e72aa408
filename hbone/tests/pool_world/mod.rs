//! A caller of a [`Pool`] under a virtual clock. It keeps its own naive books, and every action that the pool decides is held against
//! them.

#![allow(dead_code, reason = "each test file uses the part that it needs")]

#[path = "../world/epoch.rs"]
mod epoch;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use hbone::ApiMisuse;
use hbone::pool::{
    Action, Checkout, CloseReason, ConnectionId, Failure, Pool, PoolConfig, Spread, TicketId,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MILLI: Duration = Duration::from_millis(1);

/// Every key has the same hash: only equality may tell them apart. [105]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) u32);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(7);
    }
}

/// What the test knows of the pool's limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) per_key: usize,
    pub(crate) streams: u32,
    pub(crate) wait: Duration,
    pub(crate) idle: Duration,
    pub(crate) age: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            per_key: 64,
            streams: 100,
            wait: 10 * SECOND,
            idle: 300 * SECOND,
            age: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Dialling,
    Up,
    Settled,
    /// Told to go by the peer or by us; streams may be left.
    Leaving,
    Closed,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) key: Key,
    pub(crate) phase: Phase,
    pub(crate) limit: Option<u32>,
    pub(crate) streams: BTreeSet<TicketId>,
    pub(crate) served: u32,
    pub(crate) close: Option<CloseReason>,
    pub(crate) closed_at: Option<Instant>,
    /// The stream that it is made inside of.
    pub(crate) carried_by: Option<TicketId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TicketState {
    Waiting,
    On(ConnectionId),
    Ended,
}

#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) key: Key,
    pub(crate) state: TicketState,
    pub(crate) asked: Instant,
}

/// A failure without its instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    ConnectionLost,
    Dial(u32),
    Draining,
    NoCapacity,
    QueueFull,
}

pub(crate) struct World {
    pub(crate) pool: Pool<Key, u32>,
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    pub(crate) limits: Limits,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) tickets: BTreeMap<TicketId, Ticket>,
    pub(crate) failures: BTreeMap<TicketId, Why>,
    pub(crate) dials: Vec<ConnectionId>,
    /// Keys that must not be dialled before then.
    rests: BTreeMap<Key, Instant>,
    /// The limit that a connection of the key told last, if it was not 0.
    usual: BTreeMap<Key, u32>,
    /// Whether the caller has ever polled late: then news may have come for what the pool had closed, and `usual` is a guess.
    was_late: bool,
    spreads: BTreeMap<Key, u32>,
    entropy: u64,
    /// Whether every call is followed by as many polls as there are actions. If not, order is not checked.
    pub(crate) is_prompt: bool,
    /// The books are compared whole after each so many calls.
    pub(crate) check_each: usize,
    steps: usize,
}

impl World {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with(limits, |config| config)
    }

    pub(crate) fn with(limits: Limits, more: impl FnOnce(PoolConfig) -> PoolConfig) -> Self {
        let config = PoolConfig::new()
            .max_connections(limits.connections)
            .max_connections_per_key(limits.per_key)
            .max_streams_per_connection(limits.streams)
            .max_wait(limits.wait)
            .idle_timeout(limits.idle)
            .max_age(limits.age)
            .jitter_percent(0);
        let start = epoch::epoch();
        Self {
            pool: Pool::new(more(config)),
            now: start,
            start,
            limits,
            connections: BTreeMap::new(),
            tickets: BTreeMap::new(),
            failures: BTreeMap::new(),
            dials: Vec::new(),
            rests: BTreeMap::new(),
            usual: BTreeMap::new(),
            was_late: false,
            spreads: BTreeMap::new(),
            entropy: 0x9E37_79B9_7F4A_7C15,
            is_prompt: true,
            check_each: 1,
            steps: 0,
        }
    }

    // What the test looks at.

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(crate) fn state(&self, ticket: TicketId) -> TicketState {
        self.tickets[&ticket].state
    }

    pub(crate) fn on(&self, ticket: TicketId) -> ConnectionId {
        match self.state(ticket) {
            TicketState::On(connection) => connection,
            other => panic!("{ticket:?} is {other:?}, {:?}", self.failures.get(&ticket)),
        }
    }

    pub(crate) fn in_phase(&self, phase: Phase) -> Vec<ConnectionId> {
        self.connections
            .iter()
            .filter(|(_, connection)| connection.phase == phase)
            .map(|(id, _)| *id)
            .collect()
    }

    pub(crate) fn waiting(&self) -> Vec<TicketId> {
        self.tickets_in(|state| state == TicketState::Waiting)
    }

    pub(crate) fn streaming(&self) -> Vec<TicketId> {
        self.tickets_in(|state| matches!(state, TicketState::On(_)))
    }

    fn tickets_in(&self, wanted: impl Fn(TicketState) -> bool) -> Vec<TicketId> {
        self.tickets
            .iter()
            .filter(|(_, ticket)| wanted(ticket.state))
            .map(|(id, _)| *id)
            .collect()
    }

    // What happens.

    pub(crate) fn request(&mut self, key: Key) -> Result<TicketId, Why> {
        self.checked_request(key, None)
    }

    pub(crate) fn request_spread(
        &mut self,
        key: Key,
        spread: Spread,
        width: u32,
    ) -> Result<TicketId, Why> {
        self.spreads.insert(key, width);
        self.checked_request(key, Some(spread))
    }

    fn checked_request(&mut self, key: Key, spread: Option<Spread>) -> Result<TicketId, Why> {
        let answer = match spread {
            None => self.pool.request(&key, self.now),
            Some(spread) => self.pool.request_spread(&key, spread, self.now),
        };
        let result = match answer {
            Err(failure) => {
                self.note_rest(key, &failure);
                Err(why(&failure))
            }
            Ok(checkout) => {
                let id = checkout.ticket();
                let ticket = Ticket {
                    key,
                    state: TicketState::Waiting,
                    asked: self.now,
                };
                assert!(
                    self.tickets.insert(id, ticket).is_none(),
                    "{id:?} was given out before"
                );
                if let Checkout::Ready { connection, .. } = checkout {
                    self.note_stream(id, connection);
                }
                Ok(id)
            }
        };
        self.settle();
        result
    }

    pub(crate) fn connected(&mut self, id: ConnectionId) {
        let entropy = self.next_entropy();
        self.pool.handle_connected(id, entropy, self.now).unwrap();
        self.book(id).phase = Phase::Up;
        self.settle();
    }

    /// The connection is made inside the stream of this ticket.
    pub(crate) fn carried(&mut self, id: ConnectionId, by: TicketId) {
        self.pool.handle_carried(id, by).unwrap();
        self.book(id).carried_by = Some(by);
        self.settle();
    }

    pub(crate) fn settings(&mut self, id: ConnectionId, limit: Option<u32>) {
        self.pool.handle_settings(id, limit, self.now).unwrap();
        let own = self.limits.streams;
        let effective = limit.unwrap_or(u32::MAX).min(own);
        let connection = self.book(id);
        connection.limit = Some(effective);
        let key = connection.key;
        if connection.phase == Phase::Up {
            connection.phase = Phase::Settled;
            self.rests.remove(&key);
        }
        if effective > 0 && self.book(id).phase != Phase::Closed {
            self.usual.insert(key, effective);
        }
        self.settle();
    }

    /// A dial succeeds, and SETTINGS come.
    pub(crate) fn up(&mut self, id: ConnectionId, limit: Option<u32>) {
        self.connected(id);
        self.settings(id, limit);
    }

    /// All dials succeed.
    pub(crate) fn all_up(&mut self, limit: Option<u32>) {
        while let Some(id) = self.in_phase(Phase::Dialling).first() {
            self.up(*id, limit);
        }
    }

    pub(crate) fn dial_failed(&mut self, id: ConnectionId, error: u32) {
        let entropy = self.next_entropy();
        self.pool
            .handle_dial_failed(id, error, entropy, self.now)
            .unwrap();
        self.book(id).phase = Phase::Closed;
        self.settle();
    }

    pub(crate) fn goaway(&mut self, id: ConnectionId) {
        self.pool.handle_goaway(id, self.now).unwrap();
        self.note_leaving(id);
        self.settle();
    }

    pub(crate) fn closed(&mut self, id: ConnectionId) {
        self.pool.handle_closed(id, self.now).unwrap();
        self.book(id).phase = Phase::Closed;
        self.settle();
    }

    pub(crate) fn unresponsive(&mut self, id: ConnectionId) {
        self.pool.handle_unresponsive(id, self.now).unwrap();
        let key = self.book(id).key;
        for sibling in self.in_phase(Phase::Settled) {
            if self.book(sibling).key == key && sibling != id {
                self.note_leaving(sibling);
            }
        }
        self.book(id).phase = Phase::Closed;
        self.settle();
    }

    pub(crate) fn end(&mut self, ticket: TicketId) {
        self.pool.handle_stream_ended(ticket, self.now).unwrap();
        self.note_end(ticket);
        self.settle();
    }

    pub(crate) fn refused(&mut self, ticket: TicketId) {
        let on = self.on(ticket);
        self.pool.handle_stream_refused(ticket, self.now).unwrap();
        self.note_end(ticket);
        if self.book(on).streams.is_empty() {
            self.note_leaving(on);
        }
        self.settle();
    }

    pub(crate) fn cancel(&mut self, ticket: TicketId) {
        let was_open = self.state(ticket) != TicketState::Ended;
        assert_eq!(self.pool.cancel(ticket, self.now), was_open, "{ticket:?}");
        self.note_end(ticket);
        self.settle();
    }

    pub(crate) fn retire(&mut self, keys: &[Key]) {
        self.pool.retire(|key| keys.contains(key), self.now);
        for (_, connection) in self
            .connections
            .iter_mut()
            .filter(|(_, connection)| keys.contains(&connection.key))
        {
            if connection.phase == Phase::Settled {
                connection.phase = Phase::Leaving;
            }
        }
        self.rests.retain(|key, _| !keys.contains(key));
        self.settle();
    }

    pub(crate) fn drain(&mut self) {
        self.pool.drain(self.now);
        self.settle();
        assert!(self.waiting().is_empty() || !self.is_prompt);
        assert_eq!(self.pool.counts().dialling, 0);
    }

    /// Passes time, stopping wherever the pool asks to.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..10_000 {
            match self.pool.poll_timeout().filter(|at| *at <= until) {
                Some(at) => self.now = self.now.max(at),
                None => {
                    self.now = until;
                    self.check_deadlines();
                    return;
                }
            }
            self.pool.handle_timeout(self.now);
            self.settle();
        }
        panic!("a busy loop: handle_timeout does not change poll_timeout");
    }

    /// Drops most of what has ended from the books, so that a long schedule stays fast.
    pub(crate) fn forget_old(&mut self) {
        const KEPT: usize = 20;
        if self.tickets.len() > 100 {
            let newest = self.tickets.keys().rev().nth(KEPT).copied();
            self.tickets
                .retain(|id, book| Some(*id) > newest || book.state != TicketState::Ended);
        }
        if self.connections.len() > 100 {
            let newest = self.connections.keys().rev().nth(KEPT).copied();
            self.connections.retain(|id, book| {
                Some(*id) > newest || book.phase != Phase::Closed || !book.streams.is_empty()
            });
        }
    }

    /// An early, needless call.
    pub(crate) fn tick(&mut self) {
        self.pool.handle_timeout(self.now);
        self.settle();
    }

    pub(crate) fn misuse(
        &mut self,
        call: impl FnOnce(&mut Pool<Key, u32>, Instant) -> Result<(), ApiMisuse>,
    ) {
        let before = self.pool.counts();
        call(&mut self.pool, self.now).unwrap_err();
        assert_eq!(self.pool.counts(), before);
    }

    /// Does what the pool says, if it is time to.
    pub(crate) fn settle(&mut self) {
        if self.is_prompt {
            self.poll(usize::MAX);
        }
        self.steps += 1;
        match (self.steps.is_multiple_of(self.check_each), self.is_prompt) {
            (false, _) => {}
            (true, false) => self.check_nobody_waits_in_vain(),
            (true, true) => self.check(),
        }
    }

    /// Does up to so many things that the pool says.
    pub(crate) fn poll(&mut self, most: usize) {
        self.was_late |= !self.is_prompt;
        for _ in 0..most {
            let Some(action) = self.pool.poll_action() else {
                return;
            };
            self.obey(action);
        }
    }

    fn obey(&mut self, action: Action<Key, u32>) {
        match action {
            Action::Assign { ticket, connection } => {
                let asked = self.tickets[&ticket].asked;
                let key = self.tickets[&ticket].key;
                self.note_stream(ticket, connection);
                if self.is_prompt {
                    let oldest = self
                        .tickets
                        .iter()
                        .find(|(_, other)| other.key == key && other.state == TicketState::Waiting);
                    assert!(
                        oldest.is_none_or(|(_, oldest)| oldest.asked >= asked),
                        "{ticket:?} was served before its turn"
                    );
                }
            }
            Action::Close { connection, reason } => {
                let now = self.now;
                let Some(book) = self.connections.get_mut(&connection) else {
                    return; // it was lost before this was told, and is forgotten
                };
                book.closed_at = Some(now);
                assert!(
                    book.streams.is_empty(),
                    "{connection:?} is closed ({reason:?}) under its streams"
                );
                book.phase = Phase::Closed;
                book.close = Some(reason);
            }
            Action::Dial { connection, key } => {
                let book = Connection {
                    key,
                    phase: Phase::Dialling,
                    limit: None,
                    streams: BTreeSet::new(),
                    served: 0,
                    close: None,
                    closed_at: None,
                    carried_by: None,
                };
                assert!(
                    self.connections.insert(connection, book).is_none(),
                    "{connection:?} was given out before"
                );
                self.dials.push(connection);
                self.check_dial(key);
            }
            Action::Fail { ticket, failure } => {
                let book = &self.tickets[&ticket];
                assert_eq!(
                    book.state,
                    TicketState::Waiting,
                    "{ticket:?} is answered twice"
                );
                let (key, waited) = (book.key, self.now - book.asked);
                let why = why(&failure);
                if self.is_prompt {
                    self.note_rest(key, &failure);
                } // told late, the rest may have been ended since by a connection that came up, or by `retire`
                assert!(
                    why != Why::NoCapacity || waited >= self.limits.wait,
                    "{ticket:?} was given up early"
                );
                self.failures.insert(ticket, why);
                self.note_end(ticket);
            }
            _ => panic!("an action that this test does not know"),
        }
    }

    fn note_stream(&mut self, id: TicketId, on: ConnectionId) {
        let ticket = self.tickets.get_mut(&id).unwrap();
        assert_eq!(
            ticket.state,
            TicketState::Waiting,
            "{id:?} is answered twice"
        );
        ticket.state = TicketState::On(on);
        let key = ticket.key;
        let connection = self.book(on);
        assert_eq!(connection.key, key, "{on:?} is shared by two keys");
        assert_eq!(connection.phase, Phase::Settled, "{id:?} is put on {on:?}");
        connection.streams.insert(id);
        connection.served += 1;
        let (streams, limit) = (connection.streams.len(), connection.limit.unwrap());
        assert!(
            streams <= limit as usize,
            "{on:?} carries {streams} of {limit} streams"
        );
    }

    fn note_end(&mut self, id: TicketId) {
        let ticket = self.tickets.get_mut(&id).unwrap();
        if let TicketState::On(connection) = ticket.state {
            self.connections
                .get_mut(&connection)
                .unwrap()
                .streams
                .remove(&id);
        }
        ticket.state = TicketState::Ended;
    }

    /// It takes no more streams, nor do those that are up inside of it.
    fn note_leaving(&mut self, id: ConnectionId) {
        let book = self.book(id);
        if book.phase != Phase::Closed {
            book.phase = Phase::Leaving;
        }
        let streams = book.streams.clone();
        let is_rider = |book: &Connection| {
            let by = book.carried_by;
            book.phase == Phase::Settled && by.is_some_and(|by| streams.contains(&by))
        };
        let riders = self.connections.iter().filter(|(_, book)| is_rider(book));
        for rider in riders.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.note_leaving(rider);
        }
    }

    fn note_rest(&mut self, key: Key, failure: &Failure<u32>) {
        if let Failure::ConnectionLost { retry_at } | Failure::Dial { retry_at, .. } = failure {
            self.rests.insert(key, *retry_at);
        }
    }

    /// No storm: a dial must have somebody to serve, and no other dial that will.
    fn check_dial(&self, key: Key) {
        let of_key = |phase| {
            self.connections
                .values()
                .filter(|book| book.key == key && book.phase == phase)
                .count()
        };
        let waiting = self
            .tickets
            .values()
            .filter(|ticket| ticket.key == key && ticket.state == TicketState::Waiting)
            .count();
        let under_way = of_key(Phase::Dialling) + of_key(Phase::Up);
        let enough = waiting.div_ceil(self.usual.get(&key).map_or(1, |limit| *limit as usize));
        // one that was open at the time of the decision may have given way since
        let is_warm = |book: &Connection| match book.phase {
            Phase::Settled | Phase::Leaving => true,
            Phase::Closed => book.closed_at == Some(self.now),
            Phase::Dialling | Phase::Up => false,
        };
        let is_cold = !self
            .connections
            .values()
            .any(|book| book.key == key && is_warm(book));
        let wanted = if is_cold { 1 } else { enough.max(1) };
        let ahead = self.spreads.get(&key).map_or(0, |width| *width as usize);
        if !self.was_late {
            assert!(waiting > 0 || ahead > 0, "{key:?} is dialled for nobody");
            assert!(
                under_way <= wanted + ahead,
                "{under_way} dials for {waiting} who wait for {key:?}"
            );
        }
        if let Some(until) = self.rests.get(&key) {
            assert!(
                *until <= self.now || !self.is_prompt,
                "{key:?} is dialled while it rests"
            );
        }
    }

    /// What holds at rest, when every action was carried out.
    fn check(&self) {
        let counts = self.pool.counts();
        assert_eq!(counts.streams, self.streaming().len());
        assert_eq!(counts.waiting, self.waiting().len());
        let in_phase = |phase| {
            self.connections
                .values()
                .filter(|book| book.phase == phase)
                .count()
        };
        assert_eq!(
            counts.dialling,
            in_phase(Phase::Dialling) + in_phase(Phase::Up)
        );
        assert_eq!(
            counts.open + counts.draining,
            in_phase(Phase::Settled) + in_phase(Phase::Leaving)
        );
        let live = counts.dialling + counts.open + counts.draining;
        assert!(live <= self.limits.connections, "{live} connections");
        for key in self
            .tickets
            .values()
            .filter(|ticket| ticket.state == TicketState::Waiting)
            .map(|ticket| ticket.key)
        {
            let of_key = self.pool.counts_of(&key);
            assert!(of_key.open + of_key.dialling <= self.limits.per_key);
            let rests = self.rests.get(&key).is_some_and(|until| *until > self.now);
            let could_dial = of_key.open + of_key.dialling == 0
                && live < self.limits.connections
                && self.limits.per_key > 0;
            assert!(
                !could_dial || rests,
                "{key:?} is waited for, and nothing is done about it"
            );
            assert!(
                !rests || of_key.open + of_key.dialling > 0 || of_key.waiting == 0,
                "{key:?} rests, and is waited for"
            );
        }
    }

    /// Whoever waits has a connection, a dial or a full pool to wait for, whether or not the caller has been told of it.
    fn check_nobody_waits_in_vain(&self) {
        let counts = self.pool.counts();
        if counts.dialling + counts.open + counts.draining >= self.limits.connections {
            return;
        }
        let keys: BTreeSet<Key> = self.tickets.values().map(|ticket| ticket.key).collect();
        for key in keys {
            let of_key = self.pool.counts_of(&key);
            assert!(
                of_key.waiting == 0 || of_key.open + of_key.dialling > 0,
                "{key:?} is waited for, and nothing is done about it"
            );
        }
    }

    /// No ticket is left without an answer.
    fn check_deadlines(&self) {
        let late = self.tickets.iter().find(|(_, book)| {
            book.state == TicketState::Waiting && self.now - book.asked > self.limits.wait
        });
        assert!(late.is_none() || !self.is_prompt, "{late:?} has no answer");
    }

    pub(crate) fn book(&mut self, id: ConnectionId) -> &mut Connection {
        self.connections.get_mut(&id).unwrap()
    }

    fn next_entropy(&mut self) -> u64 {
        self.entropy = self
            .entropy
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.entropy
    }
}

fn why(failure: &Failure<u32>) -> Why {
    match failure {
        Failure::ConnectionLost { .. } => Why::ConnectionLost,
        Failure::Dial { error, .. } => Why::Dial(*error),
        Failure::Draining => Why::Draining,
        Failure::NoCapacity => Why::NoCapacity,
        Failure::QueueFull => Why::QueueFull,
        _ => panic!("a failure that this test does not know"),
    }
}
