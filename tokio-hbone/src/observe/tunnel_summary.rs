use std::time::Duration;

use hbone::{Authority, Identity, TunnelError};

/// A tunnel that is over, as access logs and metrics want it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelSummary {
    /// Who was at the other end, proved by TLS.
    pub peer: Identity,
    /// Where it led.
    pub authority: Authority,
    /// Bytes that the peer sent and that were read here.
    pub received: u64,
    /// Bytes that were written here and had room in the peer's window.
    pub sent: u64,
    /// From the answer to the end of the second half.
    pub lived: Duration,
    /// How often a writer had to wait for room; see [`Event::WindowStalled`](super::Event::WindowStalled).
    pub stalls: u64,
    /// For how long altogether.
    pub stalled: Duration,
    /// Whether both halves came to their end of file, or what cut the tunnel short: the reason of a reset, a cut, or how the
    /// connection was lost.
    pub end: Result<(), TunnelError>,
}
