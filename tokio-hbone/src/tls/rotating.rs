use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::crypto::CryptoProvider;

use super::{CertificateSource, Credentials, Revocations, TlsConfigError, TrustBundles};

/// Credentials and trust bundles that are replaced by hand. A clone is another handle to the same.
///
/// What cannot be used is refused when it is handed in, so a source never holds a key that does not fit its certificate.
///
/// Specification: HBONE-I-009.
#[derive(Clone)]
pub struct Rotating(Arc<Shared>);

struct Shared {
    provider: Arc<CryptoProvider>,
    revocations: Revocations,
    current: Mutex<Current>,
}

struct Current {
    generation: u64,
    credentials: Arc<Credentials>,
    bundles: Arc<TrustBundles>,
}

impl Rotating {
    /// A source that starts with `credentials` and `bundles`, with revocations of its own.
    ///
    /// # Errors
    /// [`TlsConfigError`] if a part cannot be used.
    pub fn new(
        provider: Arc<CryptoProvider>,
        credentials: Credentials,
        bundles: TrustBundles,
    ) -> Result<Self, TlsConfigError> {
        credentials.certified(&provider)?;
        bundles.must_trust_somebody()?;
        let current = Current {
            generation: 0,
            credentials: Arc::new(credentials),
            bundles: Arc::new(bundles),
        };
        let revocations = Revocations::new(&provider);
        Ok(Self(Arc::new(Shared {
            provider,
            revocations,
            current: Mutex::new(current),
        })))
    }

    /// Shows `credentials` from the next handshake on.
    ///
    /// # Errors
    /// [`TlsConfigError`] if they cannot be used; the former stay in force.
    pub fn replace_credentials(&self, credentials: Credentials) -> Result<(), TlsConfigError> {
        credentials.certified(&self.0.provider)?;
        self.change(|current| current.credentials = Arc::new(credentials));
        Ok(())
    }

    /// Trusts `bundles` from the next handshake on.
    ///
    /// # Errors
    /// [`TlsConfigError`] if there is none in it; the former stay in force.
    pub fn replace_bundles(&self, bundles: TrustBundles) -> Result<(), TlsConfigError> {
        bundles.must_trust_somebody()?;
        self.change(|current| current.bundles = Arc::new(bundles));
        Ok(())
    }

    fn change(&self, change: impl FnOnce(&mut Current)) {
        let mut current = self.current();
        change(&mut current);
        current.generation = current.generation.wrapping_add(1);
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        // Whoever panicked with the lock held had changed one field or none.
        self.0
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl CertificateSource for Rotating {
    fn generation(&self) -> u64 {
        self.current().generation
    }

    fn credentials(&self) -> Result<Arc<Credentials>, TlsConfigError> {
        Ok(Arc::clone(&self.current().credentials))
    }

    fn bundles(&self) -> Result<Arc<TrustBundles>, TlsConfigError> {
        Ok(Arc::clone(&self.current().bundles))
    }

    fn revocations(&self) -> Option<Revocations> {
        Some(self.0.revocations.clone())
    }
}

impl fmt::Debug for Rotating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.current();
        f.debug_struct("Rotating")
            .field("generation", &current.generation)
            .field("credentials", &current.credentials)
            .field("bundles", &current.bundles)
            .finish_non_exhaustive()
    }
}
