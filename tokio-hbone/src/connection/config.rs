use std::time::Duration;

use hbone::{ConnectOptions, DrainConfig, KeepaliveConfig};

/// What one connection of a client may cost us, beside what [`Http2Config`](crate::Http2Config) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionConfig {
    /// When to ask a silent client whether it still lives; `None` never asks.
    pub keepalive: Option<KeepaliveConfig>,
    /// How it drains.
    pub drain: DrainConfig,
    /// How long it may stay without a tunnel before it is drained; `None` for ever. 10 minutes by default.
    pub idle_timeout: Option<Duration>,
    /// How old it may grow before it is drained, so that a certificate does not outlive its connections by much; `None`,
    /// the default, for ever.
    pub max_age: Option<Duration>,
    /// How a CONNECT is read. By default one that came through more than 16 proxies, as `forwarded` counts them, is answered 508:
    /// whoever forwards tunnels and adds its element cannot be part of an endless loop.
    pub connect: ConnectOptions,
    /// The most header fields in one head: 100 by default. More are answered 431. (How large they may be together is
    /// [`Http2Config::header_list_size`](crate::Http2Config::header_list_size).)
    pub max_headers: usize,
    /// How many CONNECTs a client may take back before they are answered, all at once: 1,000 by default. One more closes
    /// the connection with ENHANCE_YOUR_CALM. Requests that go no further than HTTP/2 count too: those with heads over
    /// [`Http2Config::header_list_size`](crate::Http2Config::header_list_size), which are answered 431, malformed ones, and those
    /// past the limit of streams.
    ///
    /// A tunnel that is reset after its 200 does not count: to end one so is a client's right, and how many dials and tunnels it
    /// can have under way is bounded by [`Http2Config::concurrent_streams`](crate::Http2Config::concurrent_streams).
    pub reset_burst: u32,
    /// How many more of these it may take back each second: 33 by default.
    pub resets_per_second: u32,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            keepalive: Some(KeepaliveConfig::default()),
            drain: DrainConfig::default(),
            idle_timeout: Some(Duration::from_secs(600)),
            max_age: None,
            connect: ConnectOptions::new().with_max_forwarded(16),
            max_headers: 100,
            reset_burst: 1_000,
            resets_per_second: 33,
        }
    }
}
