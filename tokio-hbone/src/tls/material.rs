use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::{CertificateSource, Credentials, TlsConfigError, TrustBundles};

/// What one handshake works with.
#[derive(Clone)]
pub(super) struct Material {
    pub(super) bundles: Arc<TrustBundles>,
    /// `None` where a caller's own resolver has the credentials.
    pub(super) key: Option<Arc<SingleCertAndKey>>,
}

/// The newest [`Material`] of a source, made once for each of its generations.
pub(super) struct Materials {
    source: Option<(Arc<CryptoProvider>, Box<dyn CertificateSource>)>,
    latest: Mutex<Latest>,
}

struct Latest {
    /// The generation that was tried last, whether or not it could be used.
    seen: u64,
    /// The generation that `material` is of.
    generation: u64,
    material: Material,
}

impl Materials {
    /// What never changes.
    pub(super) fn fixed(
        provider: &CryptoProvider,
        credentials: Option<&Credentials>,
        bundles: TrustBundles,
    ) -> Result<Self, TlsConfigError> {
        let key = credentials.map(|own| own.certified(provider)).transpose()?;
        let material = Material::new(key, Arc::new(bundles))?;
        Ok(Self {
            source: None,
            latest: Mutex::new(Latest::new(0, material)),
        })
    }

    /// What `source` has, which must be something already.
    pub(super) fn of(
        provider: &Arc<CryptoProvider>,
        source: Box<dyn CertificateSource>,
    ) -> Result<Self, TlsConfigError> {
        let generation = source.generation();
        let material = Material::from_source(provider, &*source)?;
        Ok(Self {
            source: Some((Arc::clone(provider), source)),
            latest: Mutex::new(Latest::new(generation, material)),
        })
    }

    /// What the next handshake is to use.
    pub(super) fn current(&self) -> Material {
        self.latest().material.clone()
    }

    /// Which generation that is of.
    pub(super) fn generation(&self) -> u64 {
        self.latest().generation
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        // A panic in here leaves the former material in place.
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((provider, source)) = &self.source {
            // Read before the rest: what changes in between is then noticed the next time.
            let generation = source.generation();
            if generation != latest.seen {
                latest.seen = generation;
                // Whoever cannot show or trust anything new goes on with the old; the source knows and tells why.
                if let Ok(material) = Material::from_source(provider, &**source) {
                    *latest = Latest::new(generation, material);
                }
            }
        }
        latest
    }
}

impl Latest {
    const fn new(generation: u64, material: Material) -> Self {
        Self {
            seen: generation,
            generation,
            material,
        }
    }
}

impl Material {
    fn new(
        key: Option<Arc<CertifiedKey>>,
        bundles: Arc<TrustBundles>,
    ) -> Result<Self, TlsConfigError> {
        bundles.must_trust_somebody()?;
        let key = key.map(|key| Arc::new(SingleCertAndKey::from(key)));
        Ok(Self { bundles, key })
    }

    fn from_source(
        provider: &CryptoProvider,
        source: &dyn CertificateSource,
    ) -> Result<Self, TlsConfigError> {
        let key = source.credentials()?.certified(provider)?;
        Self::new(Some(key), source.bundles()?)
    }
}

impl fmt::Debug for Materials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let latest = self.latest();
        write!(
            f,
            "generation {}, {:?}",
            latest.generation, latest.material.bundles
        )
    }
}
