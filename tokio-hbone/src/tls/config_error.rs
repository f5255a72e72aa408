use thiserror::Error;

/// Why a TLS configuration cannot be built. Only our own configuration leads here, never a peer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// A trust bundle without an anchor would refuse everybody.
    #[error("the bundle for trust domain {0} holds no usable root certificate")]
    EmptyBundle(String),
    /// No trust bundle at all.
    #[error(
        "no trust bundle is configured, so every peer would be refused; add one for your trust domain"
    )]
    NoBundle,
    /// A PEM text could not be read.
    #[error("the {what} cannot be read as PEM: {reason}")]
    Pem {
        /// What the text should be.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// rustls does not take the credentials or the provider.
    #[error("the TLS configuration is refused: {0}")]
    Refused(String),
    /// A trust domain that is not one.
    #[error("{0:?} is not a trust domain (lower-case letters, digits, '.', '-', '_')")]
    TrustDomain(String),
}

impl From<rustls::Error> for TlsConfigError {
    fn from(error: rustls::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
