use std::time::Instant;

use thiserror::Error;

/// Why a request got no stream. Nothing was sent for it, so it may be tried again elsewhere.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure<E> {
    /// Two connections in a row were lost before they had carried anything, and there is no other.
    #[error(
        "connections to the peer are lost as soon as they are made; look at the peer's own log"
    )]
    ConnectionLost {
        /// Until then requests for this key fail at once; the first one after it dials.
        retry_at: Instant,
    },
    /// The dial failed, just now or so recently that the next one has to wait, and there is no other connection.
    #[error("the peer could not be dialled: {error}")]
    Dial {
        /// What the dial reported.
        error: E,
        /// Until then requests for this key fail at once; the first one after it dials.
        retry_at: Instant,
    },
    /// The pool is draining and opens nothing new.
    #[error("the connection pool is draining; new requests belong to its successor")]
    Draining,
    /// No stream came free in time: the peer allows too few of them, or the pool's caps are reached.
    #[error(
        "no stream came free in time; the peer's MAX_CONCURRENT_STREAMS or the pool's connection caps are too low"
    )]
    NoCapacity,
    /// More requests wait than [`PoolConfig::max_waiting`](crate::pool::PoolConfig::max_waiting) allows.
    #[error(
        "too many requests wait for a stream already; send fewer, or raise the pool's max_waiting"
    )]
    QueueFull,
}
