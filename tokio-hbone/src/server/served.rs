use std::net::SocketAddr;

use hbone::{Authority, Identity, Reject, TunnelError};

use crate::connection::Addresses;

/// A CONNECT that is over, as logs and metrics want it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Served {
    /// Who asked, proved by TLS.
    pub peer: Identity,
    /// From where, if a [`Server`](super::Server) accepted it.
    pub addresses: Option<Addresses>,
    /// For what.
    pub authority: Authority,
    /// How it went.
    pub outcome: Outcome,
}

/// How the serving of a CONNECT went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The client took it back, or its connection was lost, before it was answered.
    GivenUp,
    /// It was answered with a refusal, for this reason.
    Rejected(Reject),
    /// It was served.
    Relayed {
        /// What was connected to.
        upstream: SocketAddr,
        /// Bytes from the client to the upstream.
        received: u64,
        /// Bytes from the upstream to the client.
        sent: u64,
        /// Whether both directions came to their own end, or what cut them short.
        end: Result<(), TunnelError>,
    },
}
