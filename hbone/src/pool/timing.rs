//! Time: deadlines of those who wait, limits of connections, rests of keys.

use std::hash::{BuildHasher, Hash};
use std::time::Instant;

use super::{CloseReason, ConnectionState, Failure, Id, Pool, TicketState};

impl<K: Clone + Eq + Hash, E: Clone, S: BuildHasher> Pool<K, E, S> {
    pub(super) fn expire_waiters(&mut self, now: Instant) {
        while let Some(id) = self.clock.first()
            && let Some(ticket) = self.tickets.get(id)
            && ticket.deadline.is_some_and(|deadline| deadline <= now)
        {
            let (key, is_waiting) = (ticket.key, ticket.state == TicketState::Waiting);
            self.clock.remove(&mut self.tickets, id);
            if is_waiting {
                self.fail(id, Failure::NoCapacity);
                self.settle(key, now);
            }
        }
    }

    pub(super) fn check_connections(&mut self, now: Instant) {
        while let Some((at, id)) = self.timers.peek()
            && at <= now
        {
            self.timers.remove(&mut self.connections, id);
            let Some(connection) = self.connections.get(id) else {
                continue;
            };
            let key = connection.key;
            match connection.state {
                ConnectionState::Open => self.check_open(id, now),
                ConnectionState::Unsettled => {
                    self.note_loss(id, now);
                    self.close(id, CloseReason::SettingsTimeout);
                }
                ConnectionState::Dialling { .. }
                | ConnectionState::Draining(_)
                | ConnectionState::Gone => {}
            }
            self.watch(id, now);
            self.settle(key, now);
        }
    }

    pub(super) fn check_keys(&mut self, now: Instant) {
        while let Some((at, key)) = self.key_timers.peek()
            && at <= now
        {
            self.key_timers.remove(&mut self.entries, key);
            if let Some(entry) = self.entries.get_mut(key) {
                entry.rest.handle_timeout(now);
            }
            self.watch_key(key, now);
            self.settle(key, now);
        }
    }

    /// Sets the timer of a connection to the next thing that time does to it.
    pub(super) fn watch(&mut self, id: Id, now: Instant) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let next = match connection.state {
            ConnectionState::Open => {
                let ripens_at = self.ripens_at(id).filter(|_| !connection.ripe);
                // one that is kept beyond its age for want of a successor is looked at when there is one
                let is_kept = |at: &Instant| connection.ripe && *at <= now;
                let retires_at = connection.retires_at.filter(|at| !is_kept(at));
                [ripens_at, retires_at, connection.idle_until()]
                    .into_iter()
                    .flatten()
                    .min()
            }
            ConnectionState::Unsettled => now.checked_add(self.config.settings_timeout),
            ConnectionState::Dialling { .. }
            | ConnectionState::Draining(_)
            | ConnectionState::Gone => None,
        };
        match next {
            Some(at) => self.timers.set(&mut self.connections, id, at),
            None => self.timers.remove(&mut self.connections, id),
        }
    }

    /// A connection carries nothing from now on: makes sure that its timer is not later than the end of that. An earlier one stays, so
    /// that a busy connection costs no change of timers.
    pub(super) fn watch_idle(&mut self, id: Id) {
        let Some(until) = self
            .connections
            .get(id)
            .and_then(|connection| connection.idle_until())
        else {
            return;
        };
        if self
            .timers
            .rank(&mut self.connections, id)
            .is_none_or(|at| at > until)
        {
            self.timers.set(&mut self.connections, id, until);
        }
    }

    /// Sets the timer of a key to the next thing that time does to it.
    pub(super) fn watch_key(&mut self, key: Id, now: Instant) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        let unused_at = entry
            .rotation
            .as_ref()
            .filter(|_| entry.connections.is_empty())
            .and_then(|rotation| rotation.unused_at());
        let next = [entry.rest.next_change(now), unused_at]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min();
        match next {
            Some(at) => self.key_timers.set(&mut self.entries, key, at),
            None => self.key_timers.remove(&mut self.entries, key),
        }
    }

    pub(super) fn check_open(&mut self, id: Id, now: Instant) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let is_spread = self
            .entries
            .get(connection.key)
            .is_some_and(|entry| entry.rotation.is_some());
        let (is_aged, is_idle) = (
            is_over(connection.retires_at),
            is_over(connection.idle_until()),
        );
        // Whoever still waits dials anew, and must not do so in a loop.
        if connection.starved && (is_aged || is_idle) {
            self.note_loss(id, now);
        }
        if is_idle {
            self.close(id, CloseReason::Idle);
        } else if is_aged && is_spread {
            self.leave_spent(id, now);
        } else if is_aged {
            self.wind_down(id, CloseReason::Age);
        } else if is_over(self.ripens_at(id)) {
            self.ripen(id);
        }
    }

    /// When a connection under a spread needs a successor because of its age.
    fn ripens_at(&self, id: Id) -> Option<Instant> {
        let connection = self.connections.get(id)?;
        let rotation = self.entries.get(connection.key)?.rotation.as_ref()?;
        let (up, retires_at) = (connection.up_since?, connection.retires_at?);
        // The pool's own bound may be a small part of the spread's: one that is ripe from the start would be succeeded at once, and
        // so would its successor.
        let life = retires_at.saturating_duration_since(up);
        retires_at.checked_sub(rotation.time_lead().min(life / 8))
    }
}
