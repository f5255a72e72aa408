use std::net::SocketAddr;

use hbone::pool::CloseReason;
use hbone::{DialError, Identity};

/// What happens in a pool. `address` is that of the outermost hop, and `level` counts hops from 0 at the outermost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolEvent {
    /// The pool closes a connection, or gives up its dial.
    Closed {
        /// Why.
        reason: CloseReason,
    },
    /// A connection is up.
    Connected {
        /// Where to.
        address: SocketAddr,
        /// At which level.
        level: usize,
        /// Who is there, proved by TLS.
        peer: Identity,
    },
    /// A dial failed.
    DialFailed {
        /// Where to.
        address: SocketAddr,
        /// At which level the connection would have been.
        level: usize,
        /// Why, and at which level of the way to it.
        error: DialError,
    },
    /// A dial begins.
    Dialling {
        /// Where to.
        address: SocketAddr,
        /// At which level.
        level: usize,
    },
    /// A connection ended by no choice of ours.
    Lost,
    /// A request got a stream.
    StreamStarted {
        /// Whether the connection was up with a stream free when it was asked for.
        reused: bool,
    },
    /// A stream was given back.
    StreamEnded,
}
