use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use super::DeniedRange;

/// Why a policy does not let a peer's destination be dialled.
///
/// The reason is for our own log. The peer is told the status alone, lest the answer become a map of what is behind us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Denied {
    /// No rule was given, so nothing is allowed.
    #[error("no destination is allowed: the server was given no destination policy")]
    All,
    /// The mesh's [authorization](crate::authorization) policies do not let the peer in.
    #[error("the mesh's authorization policies do not allow it")]
    Authorization,
    /// The address lies in a range that the operator denied.
    #[error("{0} is in a range that the configuration denies")]
    Configured(IpAddr),
    /// The rule takes addresses only, and the authority is a host name.
    #[error(
        "a host name is not allowed as destination; allow the name, or open service names for this role"
    )]
    Name,
    /// No entry of the allow list lets this peer go there.
    #[error("no entry of the allow list matches this peer, destination and port")]
    NotListed,
    /// Only the local address may be dialled.
    #[error("{asked} is not the local address {local}")]
    NotLocal {
        /// The address that may be dialled.
        local: IpAddr,
        /// The address that was asked for, or that the name led to.
        asked: IpAddr,
    },
    /// The destination is one of our own listeners.
    #[error("{0} is a listener of this process: the tunnel would lead back into it")]
    OwnListener(SocketAddr),
    /// The port is 0.
    #[error("port 0 cannot be dialled")]
    PortZero,
    /// The address lies in a range that no peer may reach.
    #[error("{addr} is denied: {range}; a role that needs it opens the range by name")]
    Range {
        /// The address, in canonical form.
        addr: IpAddr,
        /// The range.
        range: DeniedRange,
    },
    /// The port is one of Istio's own.
    #[error("port {0} belongs to the mesh's proxies; a role that needs it opens the port by name")]
    ReservedPort(u16),
    /// The name was allowed, but it led to an address outside of the entry's ranges.
    #[error("the allowed destination led to {0}, which no entry allows")]
    Resolved(IpAddr),
}
