use std::time::Duration;

/// What clients can make a [`Server`](super::Server) hold, all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The most sockets at once, those in their handshake included: 10,000 by default. Further ones are closed as they come; with 0,
    /// all of them.
    pub max_connections: usize,
    /// The most connections of one identity: 1,000 by default. Further ones are sent away with GOAWAY ENHANCE_YOUR_CALM.
    pub max_connections_per_peer: usize,
    /// The most handshakes at once: 1,024 by default, and 0 counts as 1. When one more begins, the oldest that is still unfinished
    /// ends, so that clients that never finish cannot keep out those that do.
    pub max_handshakes: usize,
    /// How long accepting pauses when it fails for want of descriptors or memory: 100 ms by default, a millisecond at least. So it
    /// does when 128 clients in a row are said to be gone before they are accepted, which no client does: the listener is broken.
    pub accept_pause: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_peer: 1_000,
            max_handshakes: 1_024,
            accept_pause: Duration::from_millis(100),
        }
    }
}
