use std::time::{Duration, Instant};

/// How many requests there were of late: in this minute and the one before it.
#[derive(Debug)]
pub(super) struct Rate {
    since: Instant,
    now: u32,
    before: u32,
}

const PERIOD: Duration = Duration::from_secs(60);

impl Rate {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            since: now,
            now: 0,
            before: 0,
        }
    }

    /// Counts one more, and says how many there were.
    pub(super) fn count(&mut self, now: Instant) -> u32 {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= PERIOD {
            self.before = if elapsed < PERIOD * 2 { self.now } else { 0 };
            self.now = 0;
            self.since = now;
        }
        self.now = self.now.saturating_add(1);
        self.now.saturating_add(self.before)
    }
}
