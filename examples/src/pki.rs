//! A certificate authority for demos and tests: workload certificates as a mesh issues them.

use std::fmt;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, RevokedCertParams, SanType,
    SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};
use tokio_hbone::tls::Credentials;

/// A certificate authority: a root, or an intermediate that a root has signed.
///
/// Its key lives in memory only. What it signs is valid as long as it is itself: a day, unless said otherwise.
pub struct Authority {
    days: u16,
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The certificates between a leaf and the root, this one's own first; empty for a root.
    intermediates: String,
}

/// A certificate chain and its key, as PEM.
#[non_exhaustive]
pub struct Issued {
    /// The leaf and its intermediates.
    pub chain: String,
    /// The leaf's private key (PKCS #8).
    pub key: String,
    serial: SerialNumber,
}

impl Authority {
    /// A self-signed root.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn root(name: &str) -> Result<Self> {
        Self::root_for_days(name, 1)
    }

    /// A self-signed root that is valid for so many days.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn root_for_days(name: &str, days: u16) -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("making a root key")?;
        let issuer = CertifiedIssuer::self_signed(authority(name, 1, days), key)?;
        Ok(Self {
            days,
            issuer,
            intermediates: String::new(),
        })
    }

    /// An intermediate that this authority signs.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn intermediate(&self, name: &str) -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("making a CA key")?;
        let issuer = CertifiedIssuer::signed_by(authority(name, 0, self.days), key, &self.issuer)?;
        let intermediates = issuer.pem() + &self.intermediates;
        Ok(Self {
            days: self.days,
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

    /// A certificate for the workload `spiffe_id`, good for either side of a handshake.
    ///
    /// # Errors
    /// If no key can be made, or the id is not ASCII.
    pub fn workload(&self, spiffe_id: &str) -> Result<Issued> {
        self.issue(spiffe_id, None)
    }

    /// The same, whose certificate also has a DNS name, for peers that verify those.
    ///
    /// # Errors
    /// If no key can be made, or the id or the name is not ASCII.
    pub fn workload_named(&self, spiffe_id: &str, dns: &str) -> Result<Issued> {
        self.issue(spiffe_id, Some(dns))
    }

    fn issue(&self, spiffe_id: &str, dns: Option<&str>) -> Result<Issued> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let uri = spiffe_id.try_into().context("the SPIFFE id")?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        if let Some(dns) = dns {
            let dns = dns.try_into().context("the DNS name")?;
            params.subject_alt_names.push(SanType::DnsName(dns));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        valid_for(&mut params, self.days);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("making a leaf key")?;
        let serial = serial(&key);
        params.serial_number = Some(serial.clone());
        let leaf = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            chain: leaf.pem() + &self.intermediates,
            key: key.serialize_pem(),
            serial,
        })
    }

    /// A revocation list, as PEM, that names `revoked`; it takes the place of every earlier one.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn revocation_list<'a>(
        &self,
        revoked: impl IntoIterator<Item = &'a Issued>,
    ) -> Result<String> {
        let now = OffsetDateTime::now_utc();
        let revoked = revoked.into_iter().map(|issued| RevokedCertParams {
            serial_number: issued.serial.clone(),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: now - Duration::minutes(5),
            next_update: now + Duration::days(1),
            crl_number: SerialNumber::from(now.unix_timestamp().unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }
}

impl Issued {
    /// The same, ready for use.
    ///
    /// # Errors
    /// If either text was changed to something that is no PEM.
    pub fn credentials(&self) -> Result<Credentials> {
        Ok(Credentials::from_pem(
            self.chain.as_bytes(),
            self.key.as_bytes(),
        )?)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(key withheld)")
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issued(key withheld)")
    }
}

/// Sixteen octets of the key's first coordinate, which are as good as random, without the sign.
fn serial(key: &KeyPair) -> SerialNumber {
    let mut serial: Vec<u8> = key.der_bytes().iter().skip(1).take(16).copied().collect();
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    SerialNumber::from(serial)
}

fn authority(name: &str, path_length: u8, days: u16) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut params, days);
    params
}

fn valid_for(params: &mut CertificateParams, days: u16) {
    let now = OffsetDateTime::now_utc();
    // The clocks of two hosts may differ a little.
    params.not_before = now - Duration::minutes(5);
    params.not_after = now + Duration::days(days.into());
}
