use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use crate::Reason;
use crate::Refused;
use crate::{Alert, LinkFailure};

/// Why a CONNECT opened no tunnel.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The caller gave up.
    #[error("the CONNECT was cancelled")]
    Cancelled,
    /// The peer does not take our certificate, and said so only after its SETTINGS.
    #[error(
        "the peer refused our certificate with the TLS alert {0}, after our side of the handshake was done; check that it \
         trusts our root and trust domain"
    )]
    CertificateRefused(Alert),
    /// The connection is going away and the peer has not looked at this CONNECT (RFC 9113 section 6.8).
    #[error(
        "the peer is closing the connection and did not process the CONNECT; it is safe on another connection"
    )]
    GoingAway,
    /// More informational responses than [`RequestLimits::informational`](super::RequestLimits::informational).
    #[error("the peer sent more than {0} informational responses and no final one")]
    Informational(u8),
    /// The connection under it was lost.
    #[error("the connection was lost before the CONNECT was answered: {0}")]
    Lost(LinkFailure),
    /// The peer's answer broke HTTP/2, for example with a head beyond our limit; the connection goes on.
    #[error("the peer's answer to the CONNECT is malformed: {0}")]
    Malformed(String),
    /// The peer answered with a status that opens no tunnel.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The peer reset the stream instead of answering.
    #[error("the peer reset the stream with {0} instead of answering the CONNECT")]
    Reset(Reason),
    /// No final response in time.
    #[error(
        "no answer to the CONNECT within {0:?}; the peer may itself be waiting for the destination"
    )]
    TimedOut(Duration),
    /// A status that has no meaning in HTTP/2 (RFC 9113 section 8.6).
    #[error("the peer answered the CONNECT with {0}, which HTTP/2 does not have")]
    Unexpected(StatusCode),
}

impl RequestError {
    /// Whether the peer has certainly not acted on the CONNECT, so that sending it again, once, on another connection
    /// cannot do anything twice (RFC 9113 section 8.7).
    #[must_use]
    pub const fn is_safe_to_retry(&self) -> bool {
        matches!(self, Self::GoingAway | Self::Reset(Reason::REFUSED_STREAM))
    }
}
