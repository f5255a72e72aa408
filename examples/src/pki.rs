//! A certificate authority for demos and tests: workload certificates as a mesh issues them.

use std::fmt;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};
use tokio_hbone::tls::Credentials;

/// A certificate authority: a root, or an intermediate that a root has signed.
///
/// For demos and tests. Its keys live in memory only, and what it signs is valid for a day.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The certificates between a leaf and the root, this one's own first; empty for a root.
    intermediates: Vec<CertificateDer<'static>>,
}

impl Authority {
    /// A self-signed root.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn root(name: &str) -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("making a root key")?;
        let issuer = CertifiedIssuer::self_signed(authority(name, 1)?, key)?;
        Ok(Self {
            issuer,
            intermediates: Vec::new(),
        })
    }

    /// An intermediate that this authority signs.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn intermediate(&self, name: &str) -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("making a CA key")?;
        let issuer = CertifiedIssuer::signed_by(authority(name, 0)?, key, &self.issuer)?;
        let own = issuer.der().clone();
        let intermediates = std::iter::once(own)
            .chain(self.intermediates.clone())
            .collect();
        Ok(Self {
            issuer,
            intermediates,
        })
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    /// The authority's own certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Credentials for the workload `spiffe_id`, good for either side of a handshake.
    ///
    /// # Errors
    /// If no key can be made, or the id is not ASCII.
    pub fn workload(&self, spiffe_id: &str) -> Result<Credentials> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names =
            vec![SanType::URI(spiffe_id.try_into().context("the SPIFFE id")?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        valid_for_a_day(&mut params);
        self.sign(&params)
    }

    /// Credentials with whatever is in `params`.
    ///
    /// # Errors
    /// If no key can be made, or `params` cannot be encoded.
    pub fn sign(&self, params: &CertificateParams) -> Result<Credentials> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("making a leaf key")?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let chain = std::iter::once(leaf.der().clone())
            .chain(self.intermediates.clone())
            .collect();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok(Credentials::new(chain, key))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Authority({} above it, key withheld)",
            self.intermediates.len()
        )
    }
}

fn authority(name: &str, path_length: u8) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for_a_day(&mut params);
    Ok(params)
}

fn valid_for_a_day(params: &mut CertificateParams) {
    let now = OffsetDateTime::now_utc();
    // The clocks of two hosts may differ a little.
    params.not_before = now - Duration::minutes(5);
    params.not_after = now + Duration::days(1);
}
