//! Shares: when a connection under a spread has had its own.

use std::hash::{BuildHasher, Hash};
use std::time::Instant;

use super::{CloseReason, ConnectionState, Id, Pool};

impl<K: Clone + Eq + Hash, E: Clone, S: BuildHasher> Pool<K, E, S> {
    /// A connection is near the end of its share: it counts no more as one that will be there.
    pub(super) fn ripen(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.state == ConnectionState::Open
            && !connection.ripe
            && let Some(entry) = self.entries.get_mut(connection.key)
        {
            connection.ripe = true;
            entry.ripe += 1;
        }
    }

    /// A connection has had its share. It goes when a successor is there, and at once when none will come; while one is dialled,
    /// or the key rests after a failed dial, a connection that works is worth more than the bound.
    pub(super) fn leave_spent(&mut self, id: Id, now: Instant) {
        let Some(key) = self.connections.get(id).map(|connection| connection.key) else {
            return;
        };
        self.ripen(id);
        self.grow(key, false, now);
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        let has_successor = entry.open > entry.ripe;
        if has_successor || (entry.dialling == 0 && !entry.rest.is_resting(now)) {
            self.wind_down(id, CloseReason::Spread);
        }
    }

    /// Those that were kept for want of a successor go when it is there.
    pub(super) fn leave_all_spent(&mut self, key: Id, now: Instant) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        if entry.rotation.is_none() || entry.ripe == 0 {
            return;
        }
        let mut next = entry.connections.first();
        while let Some(id) = next {
            next = self.after_sibling(key, id);
            let is_spent = self.connections.get(id).is_some_and(|connection| {
                connection.state == ConnectionState::Open
                    && connection.ripe
                    && (connection.budget == 0 || connection.retires_at.is_some_and(|at| at <= now))
            });
            if is_spent {
                self.leave_spent(id, now);
            }
        }
    }
}
