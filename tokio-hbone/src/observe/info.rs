use std::net::SocketAddr;

use hbone::Role;

/// Which connection an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// Its number, from 0, among all connections of this process.
    pub number: u64,
    /// Which end of it we are.
    pub role: Role,
    /// Where the peer is: dialled, or connecting from. `None` if the connection is inside of another tunnel, or of an IO that
    /// was handed in.
    pub address: Option<SocketAddr>,
}

/// Which tunnel an event is about, or which CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelInfo {
    /// The connection that it is on.
    pub connection: ConnectionInfo,
    /// The id of its stream (RFC 9113 section 5.1.1).
    pub stream: u32,
}
