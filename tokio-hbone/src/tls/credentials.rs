use std::fmt;
use std::sync::Arc;

use hbone::Identity;
use rustls::InconsistentKeys;
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::pem_text::pem_text;
use super::{TlsConfigError, svid};

/// What we prove our own identity with: a certificate chain, the leaf first, and the leaf's private key.
///
/// A clone costs a few reference counts; the key is never copied, printed, or given out.
#[derive(Clone)]
pub struct Credentials {
    chain: Arc<[CertificateDer<'static>]>,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Der(Arc<PrivateKeyDer<'static>>),
    Signer(Arc<dyn SigningKey>),
}

impl Credentials {
    /// Credentials in DER. Whether key and leaf belong together is found out when they are put to use.
    #[must_use]
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        Self {
            chain: chain.into(),
            key: Key::Der(Arc::new(key)),
        }
    }

    /// Credentials whose key is elsewhere, for example in a hardware module, and signs through `signer`.
    #[must_use]
    pub fn with_signer(chain: Vec<CertificateDer<'static>>, signer: Arc<dyn SigningKey>) -> Self {
        Self {
            chain: chain.into(),
            key: Key::Signer(signer),
        }
    }

    /// Credentials in PEM: `chain` holds the leaf and then its intermediates, `key` a private key in PKCS #8, SEC 1 or
    /// PKCS #1. Blocks of other kinds are skipped, so both may be the same text.
    ///
    /// # Errors
    /// [`TlsConfigError::Pem`] if either cannot be read, or the chain is empty.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsConfigError> {
        Ok(Self::new(Self::read_chain(chain)?, Self::read_key(key)?))
    }

    /// Whom the leaf names; `None` if it is not a leaf that a peer would take.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        svid::identity(self.chain.first()?).ok()
    }

    pub(super) fn read_chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
        const WHAT: &str = "certificate chain";
        let unreadable = |error| TlsConfigError::pem(WHAT, &error);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem_text(WHAT, pem)?)
            .collect::<Result<_, _>>()
            .map_err(unreadable)?;
        if chain.is_empty() {
            return Err(unreadable(pem::Error::NoItemsFound));
        }
        Ok(chain)
    }

    pub(super) fn read_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
        const WHAT: &str = "private key";
        PrivateKeyDer::from_pem_slice(pem_text(WHAT, pem)?)
            .map_err(|error| TlsConfigError::pem(WHAT, &error))
    }

    /// The certificates, the leaf first.
    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The credentials as rustls wants them.
    ///
    /// # Errors
    /// [`TlsConfigError::KeyMismatch`] if key and leaf do not belong together, [`TlsConfigError::Key`] or
    /// [`TlsConfigError::Chain`] if `provider` cannot use the one or the other, or the leaf is not the first of the chain.
    pub(super) fn certified(
        &self,
        provider: &CryptoProvider,
    ) -> Result<Arc<CertifiedKey>, TlsConfigError> {
        let key = match &self.key {
            Key::Der(key) => provider
                .key_provider
                .load_private_key(key.clone_key())
                .map_err(|error| TlsConfigError::Key(error.to_string()))?,
            Key::Signer(signer) => Arc::clone(signer),
        };
        let certified = CertifiedKey::new(self.chain.to_vec(), key);
        match certified.keys_match() {
            // A signer need not tell its public key.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(Arc::new(certified))
            }
            Err(rustls::Error::InconsistentKeys(_)) => Err(self.mismatch(&certified.key)),
            Err(error) => Err(TlsConfigError::Chain(error.to_string())),
        }
    }

    /// What is wrong when the first certificate is not that of `key`: their order, if another one of the chain is.
    fn mismatch(&self, key: &Arc<dyn SigningKey>) -> TlsConfigError {
        let is_its = |certificate: &CertificateDer<'static>| {
            let alone = CertifiedKey::new(vec![certificate.clone()], Arc::clone(key));
            alone.keys_match().is_ok()
        };
        match self.chain.iter().position(is_its) {
            Some(before) => TlsConfigError::Chain(format!(
                "its first certificate is not that of the private key, but number {} is",
                before.saturating_add(1)
            )),
            None => TlsConfigError::KeyMismatch,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Credentials(chain of {}, key withheld)",
            self.chain.len()
        )
    }
}
