use std::time::Duration;

/// The figures of [`Drain`](super::Drain).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainConfig {
    /// From the first signal until what is left is cut. 5 s by default, as ztunnel has it.
    pub deadline: Duration,
    /// How long a server waits for the peer to learn of the announcement before it goes on without; at least a round
    /// trip, and never past [`deadline`](Self::deadline). 1 s by default.
    pub announce: Duration,
    /// What becomes of streams that a peer opens while it may not yet know of the announcement.
    pub late: LateStreams,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            announce: Duration::from_secs(1),
            late: LateStreams::Refuse,
        }
    }
}

/// What becomes of a stream that was opened between the two GOAWAYs of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LateStreams {
    /// Refused in a way that a client may repeat elsewhere, so that the end is not put off.
    Refuse,
    /// Served, for the sake of clients that never repeat.
    Serve,
}
