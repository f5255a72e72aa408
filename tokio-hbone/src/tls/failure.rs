use std::io;

use hbone::{Alert, CertificateFault, LinkFailure};
use rustls::{CertificateError, InvalidMessage, OtherError};

/// What an error of a TLS stream means: the typed reason of our own verifiers, the peer's alert, or the socket's error.
pub(crate) fn link_failure(error: &io::Error) -> LinkFailure {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(tls) => tls_failure(tls),
        None if error.kind() == io::ErrorKind::UnexpectedEof => LinkFailure::Closed,
        None => LinkFailure::Io(error.kind()),
    }
}

fn tls_failure(error: &rustls::Error) -> LinkFailure {
    match error {
        rustls::Error::AlertReceived(alert) => {
            LinkFailure::Alert(Alert::from_wire((*alert).into()))
        }
        rustls::Error::InvalidCertificate(error) => certificate_failure(error),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            LinkFailure::Tls("what it sent is no TLS record; does it speak TLS?".to_owned())
        }
        rustls::Error::NoApplicationProtocol => LinkFailure::Alert(Alert::from_wire(120)),
        other => LinkFailure::Tls(other.to_string()),
    }
}

fn certificate_failure(error: &CertificateError) -> LinkFailure {
    LinkFailure::Certificate(match error {
        CertificateError::Expired => CertificateFault::Expired,
        CertificateError::NotValidYet => CertificateFault::NotYetValid,
        CertificateError::Revoked => CertificateFault::Revoked,
        CertificateError::InvalidPurpose => CertificateFault::NotForThisUse,
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
        CertificateError::Other(OtherError(inner)) => {
            return inner
                .downcast_ref()
                .cloned()
                .unwrap_or_else(|| LinkFailure::Tls(inner.to_string()));
        }
        _ => CertificateFault::Bad,
    })
}
