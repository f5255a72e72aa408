use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a TLS configuration cannot be built. Only our own configuration leads here, never a peer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// A revocation list cannot be used.
    #[error(
        "the revocation list cannot be used: {0}; ask whoever issues it for a complete, direct X.509 CRL"
    )]
    Crl(String),
    /// A trust bundle without an anchor would refuse everybody.
    #[error(
        "the bundle for trust domain {0} holds no root certificate; put the domain's roots there as CERTIFICATE blocks"
    )]
    EmptyBundle(String),
    /// A file that held revocation lists holds none any more.
    #[error(
        "it held revocation lists and now holds none; to revoke nobody, install a list without entries, or remove the file"
    )]
    EmptyCrl,
    /// What a file holds cannot be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with what it holds.
        #[source]
        error: Box<Self>,
    },
    /// The key is not the leaf's.
    #[error(
        "the private key does not belong to the leaf certificate; install the two that were issued together"
    )]
    KeyMismatch,
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
    /// A root certificate could not be parsed.
    #[error("a root certificate for trust domain {trust_domain} cannot be used: {reason}")]
    Root {
        /// The trust domain.
        trust_domain: String,
        /// What is wrong with the root.
        reason: String,
    },
    /// A trust domain that is not one.
    #[error("{0:?} is not a trust domain (lower-case letters, digits, '.', '-', '_')")]
    TrustDomain(String),
    /// A file could not be read.
    #[error(
        "{}: the {what} cannot be read: {}; check the path, and that this user may read it",
        path.display(),
        io::Error::from(*kind)
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why not.
        kind: io::ErrorKind,
    },
}

impl From<rustls::Error> for TlsConfigError {
    fn from(error: rustls::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
