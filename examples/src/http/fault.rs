use std::error::Error;
use std::io;
use std::net::SocketAddr;

use hbone::DialError;
use hbone::mesh::NoRoute;
use http::StatusCode;

use super::{Refusal, ResponseFlag};

/// Why there is no connection to a server. Nothing of the request has left by then.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No tunnel.
    #[error("{0}")]
    Dial(#[from] DialError),
    /// What is behind the tunnel speaks no HTTP.
    #[error("no HTTP with the server: {0}")]
    Handshake(String),
    /// Everybody has been tried.
    #[error("there is nobody else to try")]
    NobodyElse,
    /// All tunnels into a network carry as much as they can.
    #[error(
        "no tunnel came free in time; POOL_MAX_STREAMS_PER_CONNECTION or the peer's MAX_CONCURRENT_STREAMS is too low"
    )]
    NoRoom,
    /// No way.
    #[error("{0}")]
    NoRoute(#[from] NoRoute),
    /// No plain connection.
    #[error("cannot connect to {address}: {}", io::Error::from(*.kind))]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// Why not.
        kind: io::ErrorKind,
    },
}

impl Fault {
    /// What the client is told.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let flag = match self {
            Self::NoRoute(NoRoute::NoHealthyEndpoint { .. } | NoRoute::Unpopulated { .. }) => {
                ResponseFlag::NoHealthy
            }
            Self::NoRoute(_) => ResponseFlag::NoRoute,
            _ => ResponseFlag::ConnectFailed,
        };
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, flag, self.to_string())
    }
}

/// An error with all that led to it: of hyper's, the outermost says least.
pub(super) fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
