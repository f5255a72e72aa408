use std::time::Instant;

use hbone::ResetBudget;

use super::ConnectionConfig;

/// The requests of a client that have come to nothing, and how many more there may be.
///
/// Specification: HBONE-Q-003.
pub(super) struct Waste {
    budget: ResetBudget,
    given_out: u64,
    swallowed: u64,
}

impl Waste {
    pub(super) fn new(config: &ConnectionConfig, now: Instant) -> Self {
        Self {
            budget: ResetBudget::new(config.reset_burst, config.resets_per_second, now),
            given_out: 0,
            swallowed: 0,
        }
    }

    /// h2 has given out a request.
    pub(super) const fn handle_given_out(&mut self) {
        self.given_out = self.given_out.saturating_add(1);
    }

    /// One more has come to nothing: `false` if that was one too many.
    #[must_use]
    pub(super) fn handle_one(&mut self, now: Instant) -> bool {
        self.budget.handle_early_reset(now)
    }

    /// How many more h2 has told nobody about, since it answered or reset them by itself: heads that are too large or
    /// malformed, requests past the limit of streams, trailers. They are what is missing if so many `heads` have come and none
    /// waits to be given out.
    pub(super) fn swallowed(&mut self, heads: u64) -> u64 {
        let missing = heads.saturating_sub(self.given_out);
        let more = missing.saturating_sub(self.swallowed);
        self.swallowed = self.swallowed.saturating_add(more);
        more
    }
}
