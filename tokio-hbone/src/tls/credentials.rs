use std::fmt;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsConfigError;

/// What we prove our own identity with: a certificate chain, the leaf first, and the leaf's private key.
pub struct Credentials {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Credentials {
    /// Credentials in DER. Whether key and leaf belong together is found out when a configuration is built of them.
    #[must_use]
    pub const fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        Self { chain, key }
    }

    /// Credentials in PEM: `chain` holds the leaf and then its intermediates, `key` a private key in PKCS #8, SEC 1 or
    /// PKCS #1.
    ///
    /// # Errors
    /// [`TlsConfigError::Pem`] if either cannot be read, or the chain is empty.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsConfigError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| TlsConfigError::Pem {
                what: "certificate chain",
                reason: error.to_string(),
            })?;
        if chain.is_empty() {
            let reason = "it holds no CERTIFICATE block".to_owned();
            return Err(TlsConfigError::Pem {
                what: "certificate chain",
                reason,
            });
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsConfigError::Pem {
            what: "private key",
            reason: error.to_string(),
        })?;
        Ok(Self { chain, key })
    }
}

impl Clone for Credentials {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
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
