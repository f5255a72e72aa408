use thiserror::Error;

use crate::forwarded::ForwardedError;
use crate::network::NetworkError;
use crate::source::UnknownSource;
use crate::traceparent::TraceparentError;

/// Which headers of a CONNECT could not be read. They are treated as absent; this is for a log line and a counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// `forwarded`.
    pub forwarded: Option<UnreadReason>,
    /// `x-forwarded-network`.
    pub origin_network: Option<UnreadReason>,
    /// `x-istio-source`.
    pub source: Option<UnreadReason>,
    /// `traceparent`.
    pub traceparent: Option<UnreadReason>,
}

impl Unread {
    /// Whether every header that was there could be read.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a header could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnreadReason {
    /// It is a malformed `forwarded`.
    #[error(transparent)]
    Forwarded(#[from] ForwardedError),
    /// It is a malformed `x-forwarded-network`.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// There is more than one line of a header that has one value, and no rule for which of them to believe.
    #[error("the header came more than once")]
    Repeated,
    /// It is a malformed `x-istio-source`.
    #[error(transparent)]
    Source(#[from] UnknownSource),
    /// It is a malformed `traceparent`.
    #[error(transparent)]
    Traceparent(#[from] TraceparentError),
}
