use http::header::ALLOW;
use http::{HeaderValue, Response, StatusCode};
use thiserror::Error;

use crate::AuthorityError;
use crate::policy::Denied;

/// Why a CONNECT is answered with something else than 200.
///
/// What goes on the wire is said by [`Reject::answer`] and nowhere else. The reason itself stays here: the peer is told a status
/// and no more, without a body and without baggage.
///
/// | reason | answer |
/// |---|---|
/// | not a CONNECT | 405, with `allow: CONNECT` (as Istio's test server; ztunnel has 400) |
/// | a malformed head, an extended CONNECT, a `host` that disagrees | 400 |
/// | a destination that is not served here | 400 |
/// | more header fields than we read | 431 |
/// | denied by policy | 403, or as [`DenyStatus`] says |
/// | no such service, no endpoint, a call to ourselves | 503 |
/// | resolution or connection failed, too many tunnels | 503 |
/// | more proxies on the way than [`ConnectOptions::max_forwarded`](crate::ConnectOptions::max_forwarded) | 508 (RFC 5842) |
/// | draining | stream error `REFUSED_STREAM`, so that the peer tries again elsewhere |
///
/// Specification: HBONE-S-002, HBONE-S-005, HBONE-S-006, HBONE-S-009, HBONE-S-010, HBONE-S-013, HBONE-H-011.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reject {
    /// `:authority` is malformed.
    #[error("malformed :authority: {0}")]
    BadAuthority(#[from] AuthorityError),
    /// The destination policy says no.
    #[error("denied by policy: {reason}")]
    Denied {
        /// The policy's reason.
        reason: Denied,
        /// How a denial is told to the peer.
        status: DenyStatus,
    },
    /// The name was not resolved.
    #[error("the destination's name was not resolved")]
    DnsFailed,
    /// The name was not resolved in time.
    #[error("the destination's name was not resolved in time")]
    DnsTimeout,
    /// We are draining and take no new tunnel.
    #[error("draining: no new tunnels are taken")]
    Draining,
    /// `:scheme`, `:path` or `:protocol`: an extended CONNECT (RFC 8441), which HBONE is not.
    #[error("an extended CONNECT is not HBONE; send :method and :authority alone")]
    ExtendedConnect,
    /// The `host` header names another destination than `:authority`.
    #[error("the host header disagrees with :authority")]
    HostMismatch,
    /// More proxies have sent this CONNECT on than the reader takes: it goes in a circle.
    #[error(
        "the CONNECT has come through too many proxies; see whether two of them send it to each other"
    )]
    Loop,
    /// There is no `:authority`.
    #[error("the CONNECT has no :authority")]
    MissingAuthority,
    /// The service has no endpoint to connect to.
    #[error("the destination has no healthy endpoint")]
    NoEndpoint,
    /// The service has no such port.
    #[error("the destination service has no such port")]
    NoSuchPort,
    /// The method is not CONNECT.
    #[error("the method is not CONNECT")]
    NotConnect,
    /// We do not know yet what we serve.
    #[error("not ready: the workload served here is not known yet")]
    NotReady,
    /// The destination is known, but it is not ours to serve: another workload's address, or a service with another waypoint.
    #[error("the destination is not served here")]
    NotServedHere,
    /// The destination is one of our own listeners.
    #[error("the destination is this proxy itself")]
    SelfCall,
    /// The head has more fields than we read.
    #[error("the head has too many header fields")]
    TooManyHeaders,
    /// As many tunnels are open as there may be.
    #[error("too many tunnels are open")]
    TooManyTunnels,
    /// The directory knows no such service or address.
    #[error("the destination is not known to the mesh")]
    UnknownService,
    /// Connecting failed in a way that has no variant of its own.
    #[error("connecting to the destination failed")]
    UpstreamFailed,
    /// The destination refused the connection.
    #[error("the destination refused the connection")]
    UpstreamRefused,
    /// The destination did not accept the connection in time.
    #[error("the destination did not accept the connection in time; a NetworkPolicy may block it")]
    UpstreamTimeout,
    /// There is no route to the destination.
    #[error("the destination is unreachable")]
    UpstreamUnreachable,
}

/// What the peer is told when a CONNECT is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The stream is reset with `REFUSED_STREAM`: nothing was done for it, and it is safe to try again (RFC 9113 section 8.7).
    RefusedStream,
    /// A response of this status that ends the stream.
    Status(StatusCode),
}

/// How a policy's denial is told to the peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenyStatus {
    /// 403 for every denial.
    #[default]
    Forbidden,
    /// As ztunnel answers: 400 for an address that is not the local one, 503 for a port or listener of the proxy itself,
    /// 401 for anything else.
    Ztunnel,
}

impl Reject {
    /// A policy's denial.
    pub const fn denied(reason: Denied, status: DenyStatus) -> Self {
        Self::Denied { reason, status }
    }

    /// What the peer is told.
    pub fn answer(&self) -> Answer {
        Answer::Status(match self {
            Self::Draining => return Answer::RefusedStream,
            Self::BadAuthority(_)
            | Self::ExtendedConnect
            | Self::HostMismatch
            | Self::MissingAuthority
            | Self::NotServedHere => StatusCode::BAD_REQUEST,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::NotConnect => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Denied { reason, status } => status.of(reason),
            Self::DnsFailed
            | Self::DnsTimeout
            | Self::NoEndpoint
            | Self::NoSuchPort
            | Self::NotReady
            | Self::SelfCall
            | Self::TooManyTunnels
            | Self::UnknownService
            | Self::UpstreamFailed
            | Self::UpstreamRefused
            | Self::UpstreamTimeout
            | Self::UpstreamUnreachable => StatusCode::SERVICE_UNAVAILABLE,
        })
    }

    /// The status of the answer; 503 for a reason that is answered by a reset, for transports that have none.
    pub fn status(&self) -> StatusCode {
        match self.answer() {
            Answer::RefusedStream => StatusCode::SERVICE_UNAVAILABLE,
            Answer::Status(status) => status,
        }
    }

    /// The head of the answer, to be sent with END_STREAM.
    pub fn to_response(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = self.status();
        if *self == Self::NotConnect {
            // RFC 9110 section 15.5.6 wants the methods that are allowed.
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("CONNECT"));
        }
        response
    }
}

impl DenyStatus {
    const fn of(self, reason: &Denied) -> StatusCode {
        match (self, reason) {
            (Self::Forbidden, _) => StatusCode::FORBIDDEN,
            (Self::Ztunnel, Denied::NotLocal { .. } | Denied::PortZero) => StatusCode::BAD_REQUEST,
            (Self::Ztunnel, Denied::OwnListener(_) | Denied::ReservedPort(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            (Self::Ztunnel, _) => StatusCode::UNAUTHORIZED,
        }
    }
}
