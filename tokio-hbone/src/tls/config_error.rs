use std::io;
use std::path::PathBuf;

use rustls_pki_types::pem;
use thiserror::Error;

/// Why a TLS configuration cannot be built. Only our own configuration leads here, never a peer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// rustls cannot use the certificates.
    #[error(
        "the certificate chain cannot be used: {0}; put the leaf there as it was issued, and its intermediates behind it"
    )]
    Chain(String),
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
        "it held revocation lists and now holds none; to revoke nobody, install a list without entries"
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
    /// rustls cannot use the key.
    #[error(
        "the private key cannot be used: {0}; have one made for ECDSA (P-256, P-384), RSA or Ed25519"
    )]
    Key(String),
    /// The key is not the leaf's.
    #[error(
        "the private key does not belong to the leaf certificate; install the two that were issued together"
    )]
    KeyMismatch,
    /// A file that held revocation lists is gone.
    #[error(
        "it held revocation lists and is gone; put it back, or, to revoke nobody, install a list without entries"
    )]
    MissingCrl,
    /// No trust bundle at all.
    #[error(
        "no trust bundle is configured, so every peer would be refused; add one for your trust domain"
    )]
    NoBundle,
    /// What should be a file is a directory, a pipe, or a device.
    #[error(
        "{}: the {what} has to be a regular file, since it is read again when it changes; write it to one and name that",
        path.display()
    )]
    NotAFile {
        /// What is there instead of a file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// A PEM text could not be read.
    #[error("the {what} cannot be read as PEM: {reason}; put it there as {}", block(.what))]
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
    /// A file is larger than any that is of use.
    #[error(
        "{}: the {what} would be larger than {} MiB, which none is; name the file that has it",
        path.display(),
        most >> 20
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// The most that is read of a file, in bytes.
        most: u64,
    },
    /// A trust domain that is not one.
    #[error("{0:?} is not a trust domain (lower-case letters, digits, '.', '-', '_')")]
    TrustDomain(String),
    /// Whoever put the credentials to use does not want these: see [`PemFiles::with_check`](super::PemFiles::with_check).
    #[error("{0}")]
    Unwanted(String),
    /// A file could not be read.
    #[error(
        "{}: the {what} cannot be read: {reason}; check the path, and that this user may read it",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why not.
        kind: io::ErrorKind,
        /// The same in the system's words, which have more to tell: of too many open files, `kind` has no name.
        reason: String,
    },
}

impl TlsConfigError {
    /// Why a text of PEM is none.
    pub(super) fn pem(what: &'static str, error: &pem::Error) -> Self {
        let reason = match error {
            pem::Error::Base64Decode(_) => "what stands in a block is no base64".to_owned(),
            pem::Error::IllegalSectionStart { .. } => "a BEGIN line has no end".to_owned(),
            pem::Error::MissingSectionEnd { .. } => "a block has no END line".to_owned(),
            pem::Error::NoItemsFound => "it holds none".to_owned(),
            error => error.to_string(),
        };
        Self::Pem { what, reason }
    }

    /// Whether it was only the caller who did not want them.
    pub(super) fn is_unwanted(&self) -> bool {
        match self {
            Self::File { error, .. } => error.is_unwanted(),
            Self::Unwanted(_) => true,
            _ => false,
        }
    }
}

/// The PEM blocks that each thing is written as.
fn block(what: &str) -> &'static str {
    match what {
        "certificate chain" => "CERTIFICATE blocks, the leaf first",
        "private key" => "a PRIVATE KEY block, not encrypted (PKCS #8, SEC 1 or PKCS #1)",
        "revocation list" => "X509 CRL blocks",
        _ => "CERTIFICATE blocks",
    }
}

impl From<rustls::Error> for TlsConfigError {
    fn from(error: rustls::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
