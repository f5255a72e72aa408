use std::time::Duration;

/// The figures of [`Keepalive`](super::Keepalive).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeepaliveConfig {
    /// Silence before a PING. 10 s by default, as ztunnel and Istio's waypoint have it.
    pub interval: Duration,
    /// Silence after a PING before the peer is given up. 20 s by default, as above.
    pub timeout: Duration,
}

impl KeepaliveConfig {
    /// Other figures than the default ones. An interval of zero asks again as soon as an answer is in.
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout }
    }
}

impl Default for KeepaliveConfig {
    fn default() -> Self {
        Self::new(Duration::from_secs(10), Duration::from_secs(20))
    }
}
