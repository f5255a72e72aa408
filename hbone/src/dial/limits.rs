use std::time::Duration;

/// Bounds on a whole walk; the stages in it have their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialLimits {
    /// How often a CONNECT that the peer certainly did not act on is sent again on another connection.
    pub retries: u8,
    /// How long everything together may take.
    pub total: Duration,
}

impl Default for DialLimits {
    /// One retry, 60 seconds.
    fn default() -> Self {
        Self {
            retries: 1,
            total: Duration::from_secs(60),
        }
    }
}
