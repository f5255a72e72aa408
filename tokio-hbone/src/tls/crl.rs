use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls_pki_types::{SignatureVerificationAlgorithm, UnixTime};
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::asn1_rs::{Any, FromDer, Tag};
use x509_parser::revocation_list::CertificateRevocationList;

use super::TlsConfigError;
use super::peer_chain::Link;

/// One revocation list (RFC 5280 section 5): complete, direct, and signed by the authority whose certificates it lists.
pub(super) struct Crl {
    der: Box<[u8]>,
    list: CertRevocationList<'static>,
    next_update: UnixTime,
    /// Whether the list was signed with a key, for the keys that were asked about.
    keys: Mutex<Vec<(Box<[u8]>, bool)>>,
}

/// How many issuers' keys a list remembers. Authorities of the same name are few.
const MAX_KEYS: usize = 16;

impl Crl {
    pub(super) fn from_der(der: &[u8]) -> Result<Self, TlsConfigError> {
        let list = OwnedCertRevocationList::from_der(der)
            .map_err(|error| TlsConfigError::Crl(format!("{error:?}")))?;
        let unreadable = || TlsConfigError::Crl("its dates cannot be read".to_owned());
        let (_, parsed) = CertificateRevocationList::from_der(der).map_err(|_| unreadable())?;
        let next_update = parsed.next_update().ok_or_else(unreadable)?.timestamp();
        let next_update = u64::try_from(next_update).map_err(|_| unreadable())?;
        Ok(Self {
            der: der.into(),
            list: list.into(),
            next_update: UnixTime::since_unix_epoch(Duration::from_secs(next_update)),
            keys: Mutex::default(),
        })
    }

    /// Whether the list is by the issuer of `link`. The name alone does not say: a new root often bears the name of the
    /// old one.
    ///
    /// Whether the issuer's certificate allows it to sign lists is not asked: the list comes from our own configuration,
    /// and to pass it over would let in whom it names.
    pub(super) fn is_for(
        &self,
        link: &Link,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> bool {
        if *self.list.issuer() != *link.issuer {
            return false;
        }
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, signed)) = keys.iter().find(|(key, _)| *key == link.issuer_key) {
            return *signed;
        }
        let signed = is_signed_with(&self.der, &link.issuer_key, algorithms).unwrap_or(false);
        if keys.len() < MAX_KEYS {
            keys.push((link.issuer_key.clone(), signed));
        }
        signed
    }

    /// Whether the list names the certificate. Why and since when makes no difference: one on hold is not good either.
    pub(super) fn lists(&self, link: &Link) -> bool {
        // The list was read whole when it was made; one that cannot be read now had better not let anybody in.
        self.list
            .find_serial(&link.serial)
            .map_or(true, |entry| entry.is_some())
    }

    pub(super) fn has_expired(&self, now: UnixTime) -> bool {
        now >= self.next_update
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crl({} bytes)", self.der.len())
    }
}

/// Whether `der`, a SEQUENCE of what is signed, the algorithm and the signature, was signed with `key`. `None` if either
/// cannot be read.
fn is_signed_with(
    der: &[u8],
    key: &[u8],
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> Option<bool> {
    let (message, rest) = element(contents(der)?)?;
    let (algorithm, rest) = element(rest)?;
    let (signature, _) = element(rest)?;
    let (key_algorithm, rest) = element(contents(key)?)?;
    let (key, _) = element(rest)?;
    let (algorithm, key_algorithm) = (contents(algorithm)?, contents(key_algorithm)?);
    let (signature, key) = (whole_octets(signature)?, whole_octets(key)?);
    let signed = algorithms
        .iter()
        .filter(|known| {
            known.signature_alg_id().as_ref() == algorithm
                && known.public_key_alg_id().as_ref() == key_algorithm
        })
        .any(|known| known.verify_signature(key, message, signature).is_ok());
    Some(signed)
}

/// The first DER element, header included, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, _) = Any::from_der(der).ok()?;
    der.split_at_checked(der.len().checked_sub(rest.len())?)
}

fn contents(der: &[u8]) -> Option<&[u8]> {
    let (_, any) = Any::from_der(der).ok()?;
    Some(any.data)
}

/// The octets of a BIT STRING.
fn whole_octets(der: &[u8]) -> Option<&[u8]> {
    let (_, any) = Any::from_der(der).ok()?;
    match (any.tag(), any.data.split_first()?) {
        (Tag::BitString, (0, octets)) => Some(octets),
        _ => None,
    }
}
