use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};

use super::chain::ChainVerifier;
use super::material::{Material, Materials};
use super::{CertificateSource, Credentials, Revocations, TlsConfigError, TrustBundles};

/// What a client and a server have in common.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) revocations: Revocations,
    materials: Arc<Materials>,
    tls12: bool,
    #[cfg(feature = "keylog")]
    key_log: Arc<dyn rustls::KeyLog>,
}

impl Setup {
    /// With material that never changes; without credentials where a caller's own resolver has them.
    pub(super) fn fixed(
        provider: Arc<CryptoProvider>,
        credentials: Option<&Credentials>,
        bundles: TrustBundles,
    ) -> Result<Self, TlsConfigError> {
        let materials = Materials::fixed(&provider, credentials, bundles)?;
        let revocations = Revocations::new(&provider);
        Ok(Self::new(provider, materials, revocations))
    }

    /// With whatever `source` has at the time.
    pub(super) fn following(
        provider: Arc<CryptoProvider>,
        source: impl CertificateSource,
    ) -> Result<Self, TlsConfigError> {
        let revocations = source
            .revocations()
            .unwrap_or_else(|| Revocations::new(&provider));
        let materials = Materials::of(&provider, Box::new(source))?;
        Ok(Self::new(provider, materials, revocations))
    }

    fn new(provider: Arc<CryptoProvider>, materials: Materials, revocations: Revocations) -> Self {
        Self {
            provider,
            revocations,
            materials: Arc::new(materials),
            tls12: false,
            // Read once: each of these opens the file anew.
            #[cfg(feature = "keylog")]
            key_log: Arc::new(rustls::KeyLogFile::new()),
        }
    }

    pub(super) fn with_tls12(self) -> Self {
        Self {
            tls12: true,
            ..self
        }
    }

    /// Where the secrets of handshakes go, other than nowhere.
    pub(super) fn key_log(&self) -> Option<Arc<dyn rustls::KeyLog>> {
        #[cfg(feature = "keylog")]
        return Some(Arc::clone(&self.key_log));
        #[cfg(not(feature = "keylog"))]
        None
    }

    pub(super) const fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        const WITH_TLS12: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
        const TLS13_ONLY: &[&SupportedProtocolVersion] = &[&TLS13];
        match self.tls12 {
            true => WITH_TLS12,
            false => TLS13_ONLY,
        }
    }

    pub(super) fn material(&self) -> Material {
        self.materials.current()
    }

    pub(super) fn generation(&self) -> u64 {
        self.materials.generation()
    }

    /// A verifier for one handshake.
    pub(super) fn verifier(&self, material: &Material) -> ChainVerifier {
        ChainVerifier::new(
            Arc::clone(&material.bundles),
            Arc::clone(&self.provider),
            self.revocations.clone(),
        )
    }
}
