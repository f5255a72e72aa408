use std::time::{Duration, Instant};

use super::Spread;

/// How one key is spread: how many connections its rate of requests calls for, and which one is next.
#[derive(Debug)]
pub(super) struct Rotation {
    pub(super) spread: Spread,
    /// How many connections with most of their share before them should be there.
    pub(super) width: u32,
    turn: u64,
    /// The measurement under way, and whether it is the first one.
    since: Instant,
    requests: u32,
    is_first: bool,
    last_request: Instant,
}

impl Rotation {
    pub(super) const fn new(spread: Spread, now: Instant) -> Self {
        Self {
            spread,
            width: 1,
            turn: 0,
            since: now,
            requests: 0,
            is_first: true,
            last_request: now,
        }
    }

    /// Counts a request and gives its turn.
    pub(super) fn handle_request(&mut self, now: Instant) -> u64 {
        self.turn = self.turn.wrapping_add(1);
        self.requests = self.requests.saturating_add(1);
        self.last_request = self.last_request.max(now);
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= self.interval() {
            self.width = self.measured(self.calls_for(elapsed));
            self.since = now;
            self.requests = 0;
            self.is_first = false;
        } else if self.requests.is_multiple_of(self.spread.requests.get()) {
            let seen = if self.is_first {
                elapsed
            } else {
                self.interval()
            };
            let floor = u32::try_from(self.calls_for(seen) / MILLI).unwrap_or(u32::MAX);
            // A few requests at once are no rate yet, and none of them could use more connections than there were requests.
            let floor = floor.min(self.requests);
            self.width = self.within_cap(self.width.max(floor));
        }
        self.turn
    }

    /// Whether the key was used so recently that a successor will be used too.
    pub(super) fn is_in_use(&self, now: Instant) -> bool {
        self.unused_at().is_none_or(|at| at > now)
    }

    /// When there is nothing to remember any more, unless there are requests.
    pub(super) fn unused_at(&self) -> Option<Instant> {
        self.last_request.checked_add(self.spread.age)
    }

    /// How many requests before its last a connection's successor is dialled.
    pub(super) const fn request_lead(&self) -> u32 {
        self.spread.requests.get() / 8
    }

    /// How long before its end a connection's successor is dialled.
    pub(super) fn time_lead(&self) -> Duration {
        self.spread.age / 8
    }

    /// The share of a connection that widens the rotation rather than succeeds another: those that begin together must not end
    /// together.
    pub(super) fn partial_budget(&self, entropy: u64) -> u32 {
        let requests = self.spread.requests.get();
        let least = requests / 4;
        let choices = u64::from(requests - least) + 1;
        least
            .saturating_add(u32::try_from(entropy % choices).unwrap_or(0))
            .max(1)
    }

    /// A connection is meant to have had its requests after half its time, so that the hard limit of age is for the slow hours.
    fn interval(&self) -> Duration {
        (self.spread.age / 2).max(Duration::from_millis(1))
    }

    /// How many thousandths of a connection the requests seen in `elapsed` call for.
    fn calls_for(&self, elapsed: Duration) -> u128 {
        let per_connection = u128::from(self.spread.requests.get()) * elapsed.as_nanos().max(1);
        u128::from(self.requests) * self.interval().as_nanos() * MILLI / per_connection
    }

    /// The nearest width, or the old one if it is nearly as near: chance alone should not widen and narrow in turn.
    fn measured(&self, called_for: u128) -> u32 {
        if called_for.abs_diff(u128::from(self.width) * MILLI) <= 750 {
            return self.width;
        }
        self.within_cap(u32::try_from((called_for + MILLI / 2) / MILLI).unwrap_or(u32::MAX))
    }

    fn within_cap(&self, width: u32) -> u32 {
        width.clamp(1, u32::from(self.spread.max_connections.get()))
    }
}

const MILLI: u128 = 1000;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn a_connection_without_a_bound_of_time_can_be_asked_for_ever() {
        let spread = Spread::by_weight(1)
            .requests(NonZeroU32::MIN)
            .age(Duration::MAX);
        #[expect(
            clippy::disallowed_methods,
            reason = "there is no other way to come by an Instant"
        )]
        let now = Instant::now();
        let mut rotation = Rotation::new(spread, now);
        rotation.requests = u32::MAX;
        assert_eq!(rotation.handle_request(now), 1);
        assert_eq!(rotation.width, 1);
    }
}
