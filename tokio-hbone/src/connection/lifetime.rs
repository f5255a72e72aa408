use std::time::{Duration, Instant};

use super::ConnectionConfig;

/// How long a connection may live: not too long without use, and not too long at all.
pub(super) struct Lifetime {
    born: Instant,
    idle_since: Option<Instant>,
    idle_timeout: Option<Duration>,
    max_age: Option<Duration>,
}

impl Lifetime {
    pub(super) const fn new(config: &ConnectionConfig, now: Instant) -> Self {
        Self {
            born: now,
            idle_since: Some(now),
            idle_timeout: config.idle_timeout,
            max_age: config.max_age,
        }
    }

    pub(super) fn handle_use(&mut self, is_used: bool, now: Instant) {
        self.idle_since = match is_used {
            true => None,
            false => self.idle_since.or(Some(now)),
        };
    }

    /// When it will have been idle for too long, or too old.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let after = |since: Option<Instant>, time: Option<Duration>| since?.checked_add(time?);
        let idle = after(self.idle_since, self.idle_timeout);
        let old = after(Some(self.born), self.max_age);
        [idle, old].into_iter().flatten().min()
    }
}
