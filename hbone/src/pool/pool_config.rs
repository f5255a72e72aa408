use std::time::Duration;

/// The limits of a [`Pool`](crate::pool::Pool). The defaults suit a node proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    pub(super) backoff_initial: Duration,
    pub(super) backoff_max: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) jitter_percent: u8,
    pub(super) max_age: Option<Duration>,
    pub(super) max_connections: usize,
    pub(super) max_connections_per_key: usize,
    pub(super) max_streams_per_connection: u32,
    pub(super) max_wait: Duration,
    pub(super) max_waiting: usize,
    pub(super) settings_timeout: Duration,
}

impl PoolConfig {
    /// The defaults, as the setters name them.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            backoff_initial: Duration::from_millis(100),
            backoff_max: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            jitter_percent: 10,
            max_age: None,
            max_connections: 16_384,
            max_connections_per_key: 64,
            max_streams_per_connection: 100,
            max_wait: Duration::from_secs(10),
            max_waiting: 65_536,
            settings_timeout: Duration::from_secs(10),
        }
    }

    /// How long a key rests after its first failed dial, and at most after many: each failure in a row doubles it. 100 ms and
    /// 10 s. Less than 1 ms counts as that, more than a year as a year.
    #[must_use]
    pub const fn backoff(mut self, initial: Duration, max: Duration) -> Self {
        self.backoff_initial = initial;
        self.backoff_max = max;
        self
    }

    /// How long a connection without a stream is kept: 300 s, ztunnel's `POOL_UNUSED_RELEASE_TIMEOUT`. Under a
    /// [`Spread`](crate::pool::Spread) less than a second counts as one.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// By how much at most idle, age and back-off times are shortened, each by a share of its own that the caller's entropy
    /// chooses, so that what began together does not end together. 10 %; above 100 counts as 100.
    #[must_use]
    pub const fn jitter_percent(mut self, percent: u8) -> Self {
        self.jitter_percent = if percent > 100 { 100 } else { percent };
        self
    }

    /// How long a connection takes new streams: for ever. Those that it carries then are not cut. Under a
    /// [`Spread`](crate::pool::Spread) less than a second counts as one.
    #[must_use]
    pub const fn max_age(mut self, age: Option<Duration>) -> Self {
        self.max_age = age;
        self
    }

    /// How many connections there are at once over all keys, dialled ones and draining ones included: 16,384.
    #[must_use]
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How many connections one key has at once, dialled ones included, draining ones not: 64.
    #[must_use]
    pub const fn max_connections_per_key(mut self, connections: usize) -> Self {
        self.max_connections_per_key = connections;
        self
    }

    /// How many streams a connection carries at once, however many more the peer allows: 100, ztunnel's
    /// `POOL_MAX_STREAMS_PER_CONNECTION`, and what a waypoint allows.
    #[must_use]
    pub const fn max_streams_per_connection(mut self, streams: u32) -> Self {
        self.max_streams_per_connection = streams;
        self
    }

    /// How long a request waits for a stream before it fails with [`NoCapacity`](crate::pool::Failure::NoCapacity): 10 s. The
    /// time of a dial is part of it.
    #[must_use]
    pub const fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// How many requests wait at once over all keys: 65,536.
    #[must_use]
    pub const fn max_waiting(mut self, requests: usize) -> Self {
        self.max_waiting = requests;
        self
    }

    /// How long a connection may be up without the peer's SETTINGS: 10 s.
    #[must_use]
    pub const fn settings_timeout(mut self, timeout: Duration) -> Self {
        self.settings_timeout = timeout;
        self
    }

    /// `duration`, shortened by the share of [`jitter_percent`](Self::jitter_percent) that the entropy chooses.
    pub(super) fn jittered(&self, duration: Duration, entropy: u64) -> Duration {
        const STEPS: u32 = 1000;
        let step = u32::try_from(entropy % u64::from(STEPS + 1)).unwrap_or(0);
        let share = u32::from(self.jitter_percent) * step;
        duration.saturating_sub((duration / (100 * STEPS)).saturating_mul(share))
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// For ever, in numbers that a clock can add.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
