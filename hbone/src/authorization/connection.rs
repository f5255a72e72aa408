use std::net::SocketAddr;

use crate::Identity;

/// A connection as policies see it.
///
/// Specification: HBONE-I-010, HBONE-X-008.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection<'a> {
    /// Where it comes from. Behind a gateway that is the gateway's address.
    pub client: SocketAddr,
    /// Where it goes: the workload's address, and the port that is dialled there.
    pub destination: SocketAddr,
    /// Who the client proved to be; `None` on a plaintext connection.
    pub source: Option<&'a Identity>,
}

impl Connection<'_> {
    /// A plaintext connection. IPv4 in IPv6 clothing is taken as IPv4.
    pub fn new(client: SocketAddr, destination: SocketAddr) -> Self {
        let canonical = |addr: SocketAddr| SocketAddr::new(addr.ip().to_canonical(), addr.port());
        Self {
            client: canonical(client),
            destination: canonical(destination),
            source: None,
        }
    }
}
