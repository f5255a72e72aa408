//! Connections: how they come up, stop taking streams, and go.

use std::hash::{BuildHasher, Hash};
use std::time::{Duration, Instant};

use super::{
    Action, CloseReason, ConnectionId, ConnectionState, Failure, Id, Pool, Spread, rest::Rest,
};

impl<K: Clone + Eq + Hash, E: Clone, S: BuildHasher> Pool<K, E, S> {
    pub(super) fn set_up(&mut self, id: Id, entropy: u64, now: Instant) {
        let config = self.config;
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let spread = self
            .entries
            .get(connection.key)
            .and_then(|entry| entry.rotation.as_ref())
            .map(|rotation| rotation.spread.age);
        let age = [config.max_age, spread].into_iter().flatten().min();
        // Under a spread each end calls for a successor, whether anybody waits for it or not: it must not end as soon as it is up.
        let least = spread.map_or(Duration::ZERO, |_| Spread::SHORTEST);
        let life = age.map(|age| config.jittered(age, entropy.rotate_left(21)).max(least));
        connection.state = ConnectionState::Unsettled;
        connection.entropy = entropy;
        connection.up_since = Some(now);
        connection.idle_timeout = config.jittered(config.idle_timeout, entropy).max(least);
        connection.retires_at = life.and_then(|life| now.checked_add(life));
        self.watch(id, now);
    }

    pub(super) fn fail_dial(&mut self, id: Id, error: E, entropy: u64, now: Instant) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let (key, dialled_at) = (connection.key, connection.dialled_at);
        self.detach(id);
        self.discard(id);
        if let Some(entry) = self.entries.get_mut(key) {
            entry
                .rest
                .handle_dial_failed(error, dialled_at, entropy, &self.config, now);
        }
        self.watch_key(key, now);
        self.settle(key, now);
        self.finish(now);
    }

    pub(super) fn set_limit(&mut self, id: Id, peer_limit: u32, now: Instant) {
        let limit = peer_limit.min(self.config.max_streams_per_connection);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let (key, is_first) = (
            connection.key,
            connection.state == ConnectionState::Unsettled,
        );
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        connection.limit = limit;
        connection.refusing = false;
        if limit > 0 {
            entry.usual_limit = limit;
        }
        if connection.state == ConnectionState::Open && connection.starved && limit > 0 {
            connection.starved = false;
            entry.starved -= 1;
        }
        if is_first {
            self.open(id, now);
        }
        self.take_excess_back(id, limit, now);
        self.rank(id);
        self.close_if_done(id);
        self.settle(key, now);
        if is_first {
            self.leave_all_spent(key, now);
            self.leave_if_stranded(id, now);
        }
        self.finish(now);
    }

    /// The peer wants no more streams on a connection.
    pub(super) fn leave(&mut self, id: Id, reason: CloseReason, now: Instant) {
        let Some(key) = self.connections.get(id).map(|connection| connection.key) else {
            return;
        };
        self.note_loss(id, now);
        self.take_grants_back(id, now);
        self.wind_down(id, reason);
        self.settle(key, now);
        self.finish(now);
    }

    /// The connection is gone.
    pub(super) fn lose(&mut self, id: Id, now: Instant) {
        let Some(key) = self.connections.get(id).map(|connection| connection.key) else {
            return;
        };
        self.note_loss(id, now);
        self.take_grants_back(id, now);
        self.detach(id);
        self.close_if_done(id);
        self.settle(key, now);
        self.finish(now);
    }

    /// What is open beside a connection takes no more streams.
    pub(super) fn leave_siblings(&mut self, id: Id, now: Instant) {
        let Some(key) = self.connections.get(id).map(|connection| connection.key) else {
            return;
        };
        let mut next = self
            .entries
            .get(key)
            .and_then(|entry| entry.connections.first());
        while let Some(sibling) = next {
            next = self.after_sibling(key, sibling);
            if sibling != id {
                self.leave_up(sibling, CloseReason::Unresponsive, now);
            }
        }
    }

    pub(super) fn leave_chosen(&mut self, mut chosen: impl FnMut(&K) -> bool, now: Instant) {
        for key in self.entries.ids() {
            match self.entries.get_mut(key) {
                Some(entry) if chosen(&entry.key) => entry.rest = Rest::new(),
                _ => continue,
            }
            self.leave_key(key, CloseReason::Retired, now);
            self.settle(key, now);
        }
    }

    pub(super) fn leave_all(&mut self, now: Instant) {
        for key in self.entries.ids() {
            self.leave_key(key, CloseReason::Draining, now);
            self.fail_all(key, &Failure::Draining);
            self.settle(key, now);
        }
    }

    /// Takes no more streams on an open connection: closes it, or waits for the last one.
    pub(super) fn wind_down(&mut self, id: Id, reason: CloseReason) {
        self.detach(id);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if connection.active == 0 {
            self.close(id, reason);
            return;
        }
        connection.state = ConnectionState::Draining(reason);
        self.draining += 1;
        if let Some(entry) = self.entries.get_mut(connection.key) {
            entry.draining += 1;
        }
        // one that only gives way may yet take its turn back
        if reason != CloseReason::Evicted {
            self.strand_riders(id);
        }
    }

    /// Closes a connection on which there is no stream.
    pub(super) fn close(&mut self, id: Id, reason: CloseReason) {
        let Some(state) = self.connections.get(id).map(|connection| connection.state) else {
            return;
        };
        self.detach(id);
        self.discard(id);
        if state != (ConnectionState::Dialling { announced: false }) {
            self.actions.push_back(Action::Close {
                connection: ConnectionId(id),
                reason,
            });
        }
    }

    /// Ends a connection whose last stream has ended, if it was waiting for that.
    pub(super) fn close_if_done(&mut self, id: Id) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        match connection.state {
            ConnectionState::Draining(reason) if connection.active == 0 => self.close(id, reason),
            ConnectionState::Gone if connection.active == 0 => self.discard(id),
            _ => {}
        }
    }

    /// A key with nothing to remember is dropped.
    pub(super) fn forget_unused(&mut self, key: Id, now: Instant) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        if !entry.connections.is_empty() || !entry.waiters.is_empty() {
            return;
        }
        let is_in_use = entry
            .rotation
            .as_ref()
            .is_some_and(|rotation| rotation.is_in_use(now));
        if !entry.rest.is_forgotten(now) || is_in_use {
            self.watch_key(key, now);
            return;
        }
        self.unblock(key);
        self.key_timers.remove(&mut self.entries, key);
        if let Some(entry) = self.entries.remove(key) {
            self.index.remove(&entry.key);
        }
        if self.index.capacity() > SPARE_INDEX && self.index.len() < self.index.capacity() / 8 {
            self.index.shrink_to(self.index.len() * 2);
        }
    }

    /// What a loss says about the peer: nothing, if the connection has done its work or stood for a while.
    pub(super) fn note_loss(&mut self, id: Id, now: Instant) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let stood = connection
            .up_since
            .map_or(Duration::ZERO, |up| now.saturating_duration_since(up));
        let is_early = match connection.state {
            ConnectionState::Open => !connection.proven && stood < self.config.backoff_initial,
            ConnectionState::Unsettled => true,
            ConnectionState::Dialling { .. }
            | ConnectionState::Draining(_)
            | ConnectionState::Gone => false,
        };
        if !is_early {
            return;
        }
        if let Some(entry) = self.entries.get_mut(connection.key) {
            entry
                .rest
                .handle_lost(connection.dialled_at, connection.entropy, &self.config, now);
        }
        self.watch_key(connection.key, now);
    }

    /// The first SETTINGS are there.
    fn open(&mut self, id: Id, now: Instant) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(connection.key) else {
            return;
        };
        if let Some(rotation) = &entry.rotation {
            let succeeds = entry.open >= usize::try_from(rotation.width).unwrap_or(usize::MAX);
            connection.budget = if succeeds {
                rotation.spread.requests.get()
            } else {
                rotation.partial_budget(connection.entropy.rotate_left(42))
            };
        }
        connection.state = ConnectionState::Open;
        connection.starved = connection.limit == 0;
        connection.idle_since = Some(now);
        entry.starved += usize::from(connection.starved);
        entry.dialling -= 1;
        entry.open += 1;
        entry.rest.handle_up();
        self.dialling -= 1;
        self.open += 1;
        self.idle.push_back(&mut self.connections, id);
        self.turns.push_back(&mut self.connections, id);
        self.watch(id, now);
    }

    fn leave_key(&mut self, key: Id, reason: CloseReason, now: Instant) {
        let mut next = self
            .entries
            .get(key)
            .and_then(|entry| entry.connections.first());
        while let Some(id) = next {
            next = self.after_sibling(key, id);
            match self.connections.get(id).map(|connection| connection.state) {
                Some(ConnectionState::Dialling { .. } | ConnectionState::Unsettled) => {
                    self.close(id, reason)
                }
                Some(_) => self.leave_up(id, reason, now),
                None => {}
            }
        }
    }

    /// Whatever is not told to a connection that has its settings will not be.
    pub(super) fn leave_up(&mut self, id: Id, reason: CloseReason, now: Instant) {
        let Some(state) = self.connections.get(id).map(|connection| connection.state) else {
            return;
        };
        match state {
            ConnectionState::Draining(CloseReason::Evicted) | ConnectionState::Open => {
                self.take_grants_back(id, now);
                self.wind_down(id, reason);
            }
            ConnectionState::Draining(_) => {
                self.take_grants_back(id, now);
                self.close_if_done(id);
            }
            ConnectionState::Dialling { .. }
            | ConnectionState::Gone
            | ConnectionState::Unsettled => {}
        }
    }

    /// Takes a connection out of everything that its state has put it into. It counts as gone until it is given another state.
    fn detach(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let state = std::mem::replace(&mut connection.state, ConnectionState::Gone);
        let Some(entry) = self.entries.get_mut(connection.key) else {
            return;
        };
        match state {
            ConnectionState::Dialling { .. } | ConnectionState::Unsettled => {
                entry.dialling -= 1;
                self.dialling -= 1;
            }
            ConnectionState::Draining(_) => {
                entry.draining -= 1;
                self.draining -= 1;
            }
            ConnectionState::Gone => {}
            ConnectionState::Open => {
                entry.open -= 1;
                entry.ripe -= usize::from(connection.ripe);
                entry.starved -= usize::from(connection.starved);
                self.open -= 1;
                entry.choice.remove(&mut self.connections, id);
                self.idle.remove(&mut self.connections, id);
                self.turns.remove(&mut self.connections, id);
            }
        }
        self.timers.remove(&mut self.connections, id);
    }

    /// Drops a connection that is in nothing any more.
    fn discard(&mut self, id: Id) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(connection.key) {
            entry.connections.remove(&mut self.connections, id);
        }
        self.connections.remove(id);
    }
}

/// How many keys an index has room for before it is worth giving memory back.
const SPARE_INDEX: usize = 256;
