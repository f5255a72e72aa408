use std::time::Duration;

use super::ResetCounts;

/// What a transport has done so far, and what it holds now: one snapshot for a client
/// ([`Connector::stats`](crate::Connector::stats), [`PoolStats::transport`](crate::PoolStats::transport)) and for a server
/// ([`Acceptor::stats`](crate::Acceptor::stats), [`ServerHandle::stats`](crate::ServerHandle::stats)).
///
/// All clones of a connector or acceptor count together. The figures are kept whether or not there is an observer, at a
/// few additions for each tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Handshakes under way now.
    pub handshaking: u64,
    /// Handshakes so far that led to a connection.
    pub handshakes: u64,
    /// Handshakes so far that failed.
    pub handshakes_failed: u64,
    /// Handshakes so far that were given up before their end.
    pub handshakes_abandoned: u64,
    /// Connections that are up now.
    pub connections: u64,
    /// Connections so far that we cut, or sent away with GOAWAY and an error.
    pub connections_cut: u64,
    /// Connections so far that were lost, those included that did not answer any more.
    pub connections_lost: u64,
    /// Connections so far whose peer was asked whether it lives and did not answer.
    pub keepalive_timeouts: u64,
    /// GOAWAYs so far from peers.
    pub goaways_received: u64,
    /// GOAWAYs so far to peers.
    pub goaways_sent: u64,
    /// CONNECTs that wait for their answer now.
    pub connecting: u64,
    /// Tunnels that are open now.
    pub tunnels: u64,
    /// CONNECTs so far that opened a tunnel.
    pub tunnels_opened: u64,
    /// CONNECTs so far that opened none: refused, failed, or given up.
    pub tunnels_failed: u64,
    /// Tunnels so far that broke before both halves had come to their end of file.
    pub tunnels_broken: u64,
    /// Bytes so far out of tunnels. Of an open tunnel the last MiB may not be in yet.
    pub bytes_received: u64,
    /// Bytes so far into tunnels. Of an open tunnel the last MiB may not be in yet.
    pub bytes_sent: u64,
    /// Resets so far from peers.
    pub resets_received: ResetCounts,
    /// Resets so far to peers.
    pub resets_sent: ResetCounts,
    /// How often so far a writer had to wait for room.
    pub stalls: u64,
    /// For how long altogether.
    pub stalled: Duration,
    /// Clients so far that a server closed for want of room.
    pub turned_away: u64,
    /// Times so far that a server could not accept.
    pub accepts_failed: u64,
}
