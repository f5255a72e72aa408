use hbone::{CertificateFault, DialCause, DialError, EstablishError, Reject, RequestError, Stage};
use peer_meta::labels::ConnectionFlag;

/// The response flag of a connection that could not be dialled.
#[must_use]
pub fn flag_of_dial(error: &DialError) -> ConnectionFlag {
    match &error.cause {
        DialCause::Establish(error) => flag_of_handshake(error),
        DialCause::Request(RequestError::CertificateRefused(_)) => ConnectionFlag::Tls,
        _ => ConnectionFlag::Connect,
    }
}

/// The response flag of a connection that did not get through its handshake.
#[must_use]
pub fn flag_of_handshake(error: &EstablishError) -> ConnectionFlag {
    match error {
        EstablishError::PeerCertificate(CertificateFault::Revoked) => ConnectionFlag::CertRevoked,
        EstablishError::PeerIdentity(_) => ConnectionFlag::Identity,
        EstablishError::Alpn | EstablishError::Http2 { .. } => ConnectionFlag::H2Handshake,
        EstablishError::PeerCertificate(_)
        | EstablishError::CertificateRefused { .. }
        | EstablishError::Tls(_) => ConnectionFlag::Tls,
        EstablishError::TimedOut {
            stage: Stage::Tcp,
            address: Some(address),
            ..
        } if address.port() == hbone::PORT => ConnectionFlag::NetworkPolicy,
        _ => ConnectionFlag::Connect,
    }
}

/// The response flag of a CONNECT that was rejected.
#[must_use]
pub const fn flag_of_reject(reject: &Reject) -> ConnectionFlag {
    match reject {
        Reject::Denied { .. } => ConnectionFlag::Deny,
        _ => ConnectionFlag::Connect,
    }
}
