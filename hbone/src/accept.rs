use http::{Response, StatusCode, response};
use thiserror::Error;

use crate::HeaderValues;
use crate::connect::BAGGAGE;

/// The answer that opens a tunnel: a 200, and what the other end says about itself.
///
/// Specification: HBONE-S-012.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accept {
    /// The lines of the `baggage` header as they came. None at all is not the same as one empty line: the former peer does not
    /// take part in the exchange.
    pub baggage: HeaderValues,
}

impl Accept {
    /// An answer with this baggage.
    pub const fn new(baggage: HeaderValues) -> Self {
        Self { baggage }
    }

    /// Reads a final response. Whatever it has besides baggage is ignored; a redirect is a refusal and never followed.
    ///
    /// # Errors
    ///
    /// The status is not one that opens a tunnel.
    pub fn from_parts(parts: &response::Parts, accepted: AcceptedStatus) -> Result<Self, Refused> {
        if !accepted.accepts(parts.status) {
            return Err(Refused(parts.status));
        }
        Ok(Self {
            baggage: HeaderValues::from_map(&parts.headers, &BAGGAGE),
        })
    }

    /// The head to send. It has no `content-length`, which a 2xx to a CONNECT must not have (RFC 9110 section 9.3.6).
    pub fn to_response(&self) -> Response<()> {
        let mut response = Response::new(());
        self.baggage.append_to(response.headers_mut(), &BAGGAGE);
        response
    }
}

/// Which statuses open a tunnel.
///
/// Specification: HBONE-C-008.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcceptedStatus {
    /// Any 2xx, as RFC 9110 section 9.3.6 has it.
    Any2xx,
    /// 200 alone, as every HBONE server sends and ztunnel demands.
    #[default]
    Only200,
}

impl AcceptedStatus {
    /// Whether a response of this status opens a tunnel.
    pub fn accepts(self, status: StatusCode) -> bool {
        match self {
            Self::Any2xx => status.is_success(),
            Self::Only200 => status == StatusCode::OK,
        }
    }
}

/// The peer answered, and the answer opens no tunnel.
///
/// Specification: HBONE-C-009.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the peer refused the tunnel with {0}: {hint}", hint = hint(*.0))]
pub struct Refused(StatusCode);

impl Refused {
    /// The status of the answer.
    pub const fn status(&self) -> StatusCode {
        self.0
    }
}

fn hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..=299 => "only 200 is accepted here",
        300..=399 => "a redirect is never followed",
        400 => "it did not take the destination; check host and port",
        401 | 403 => "its policy denies us the destination",
        404 => "it has no listener for the destination",
        405 => "it does not serve CONNECT",
        431 => "our headers are too large for it",
        503 => "it does not know or could not reach the destination",
        _ => "see its log for the reason",
    }
}
