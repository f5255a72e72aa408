use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::ApiMisuse;
use crate::EstablishError;
use crate::RequestError;
use crate::pool::Failure;

/// Why there is no tunnel, and at which hop.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialError {
    /// The hop, counted from 0 at the outermost.
    pub level: usize,
    /// How many hops the route has.
    pub hops: usize,
    /// What happened there.
    pub cause: DialCause,
}

/// What happened at a hop.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialCause {
    /// The caller gave up.
    #[error("the connect was cancelled")]
    Cancelled,
    /// No connection to the peer of this hop.
    #[error(transparent)]
    Establish(#[from] EstablishError),
    /// The adapter reported out of order, which is a mistake in it and not the peer's doing.
    #[error(transparent)]
    Misuse(#[from] ApiMisuse),
    /// The pool has no stream on a connection to the peer of this hop, and no dial of its own to blame.
    #[error(transparent)]
    NoStream(Failure<Infallible>),
    /// The peer of this hop opened no tunnel.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The whole walk took too long.
    #[error("the connect as a whole took longer than {0:?}")]
    TimedOut(Duration),
}

impl DialError {
    /// A failure at `level` of a route with `hops` hops.
    #[must_use]
    pub const fn new(level: usize, hops: usize, cause: DialCause) -> Self {
        Self { level, hops, cause }
    }

    /// What a pool's `failure` to serve the hop at `level` means for a route with `hops` hops.
    ///
    /// A dial that others waited for too may have been for another route; what they share is everything up to the hop.
    #[must_use]
    pub fn from_pool(failure: Failure<Self>, level: usize, hops: usize) -> Self {
        let failure = match failure {
            Failure::Dial { error, .. } => return Self { hops, ..error },
            Failure::ConnectionLost { retry_at } => Failure::ConnectionLost { retry_at },
            Failure::Draining => Failure::Draining,
            Failure::NoCapacity => Failure::NoCapacity,
            Failure::QueueFull => Failure::QueueFull,
        };
        Self::new(level, hops, DialCause::NoStream(failure))
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.hops, self.level) {
            (1, _) => "the only hop",
            (_, 0) => "the outer hop",
            _ => "the inner hop",
        };
        write!(
            f,
            "{name} ({} of {}): {}",
            self.level + 1,
            self.hops,
            self.cause
        )
    }
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}
