use std::time::Duration;

/// How long each [`Stage`](super::Stage) of a connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the start to a connected TCP socket.
    pub tcp: Duration,
    /// From there to the end of our side of the TLS handshake.
    pub tls: Duration,
    /// From there to the peer's first HTTP/2 SETTINGS, which under TLS 1.3 is the first proof that the peer took our
    /// certificate.
    pub settings: Duration,
}

impl Timeouts {
    /// The same limit for every stage.
    #[must_use]
    pub const fn each(limit: Duration) -> Self {
        Self {
            tcp: limit,
            tls: limit,
            settings: limit,
        }
    }
}

impl Default for Timeouts {
    /// Ten seconds a stage, which is what mesh proxies commonly allow for a connect.
    fn default() -> Self {
        Self::each(Duration::from_secs(10))
    }
}
