use std::fmt;
use std::sync::Arc;

use super::{Credentials, Revocations, TlsConfigError, TrustBundles};

/// Where credentials and trust bundles come from while a program runs.
///
/// [`ClientTls`](super::ClientTls) and [`ServerTls`](super::ServerTls) ask for the generation before each handshake, and
/// for the rest only when it has changed: a new handshake uses what is new, and a connection that stands lives on with
/// what it has. Nothing here may wait; a source that talks to somebody does so beforehand, in a task of its own.
///
/// [`Rotating`](super::Rotating) is a source that is told, [`PemFiles`](super::PemFiles) makes one that follows files.
/// A client of the SPIFFE Workload API fits too: what that API pushes as an X.509 context is exactly a chain with its key
/// and a bundle for each trust domain (SPIFFE Workload API, section 5.2.1).
pub trait CertificateSource: fmt::Debug + Send + Sync + 'static {
    /// A number that changes whenever the credentials or the bundles do.
    fn generation(&self) -> u64;

    /// What we show from now on.
    ///
    /// # Errors
    /// [`TlsConfigError`] if there is nothing to show. Whoever has had an answer before goes on with that.
    fn credentials(&self) -> Result<Arc<Credentials>, TlsConfigError>;

    /// Whom we trust from now on.
    ///
    /// # Errors
    /// As [`credentials`](Self::credentials).
    fn bundles(&self) -> Result<Arc<TrustBundles>, TlsConfigError>;

    /// The revocations that come with it, if it has any.
    fn revocations(&self) -> Option<Revocations> {
        None
    }
}

impl<S: CertificateSource + ?Sized> CertificateSource for Arc<S> {
    fn generation(&self) -> u64 {
        (**self).generation()
    }

    fn credentials(&self) -> Result<Arc<Credentials>, TlsConfigError> {
        (**self).credentials()
    }

    fn bundles(&self) -> Result<Arc<TrustBundles>, TlsConfigError> {
        (**self).bundles()
    }

    fn revocations(&self) -> Option<Revocations> {
        (**self).revocations()
    }
}
