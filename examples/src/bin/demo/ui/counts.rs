/// What was counted between two parties, since a proxy began or in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// TCP connections begun.
    pub(super) connections: f64,
    /// HTTP requests.
    pub(super) requests: f64,
    /// Connections that came to nothing or were broken off, and requests answered with 5xx.
    pub(super) failed: f64,
    /// Bytes in both directions.
    pub(super) bytes: f64,
    /// Answers whose time was taken, and how many milliseconds they took together.
    pub(super) timed: f64,
    pub(super) milliseconds: f64,
}

impl Counts {
    /// What was added to `before`. A proxy that began anew counts from nothing.
    pub(super) fn since(self, before: Self) -> Self {
        self.with(
            before,
            |now, before| {
                if now < before { now } else { now - before }
            },
        )
    }

    pub(super) fn plus(self, more: Self) -> Self {
        self.with(more, |a, b| a + b)
    }

    /// The larger of each: two proxies that count the same traffic may do so a moment apart.
    pub(super) fn or(self, other: Self) -> Self {
        self.with(other, f64::max)
    }

    pub(super) fn per(self, seconds: f64) -> Self {
        self.with(self, |count, _| count / seconds)
    }

    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }

    fn with(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            connections: of(self.connections, other.connections),
            requests: of(self.requests, other.requests),
            failed: of(self.failed, other.failed),
            bytes: of(self.bytes, other.bytes),
            timed: of(self.timed, other.timed),
            milliseconds: of(self.milliseconds, other.milliseconds),
        }
    }
}
