use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateRevocationListDer, SignatureVerificationAlgorithm, UnixTime};

use super::TlsConfigError;
use super::crl::Crl;
use super::peer_chain::{Link, PeerChain};
use super::pem_text::{has_block, pem_text};

/// Certificate revocation lists (RFC 5280 section 5), each of one authority. None at all revokes nobody.
#[derive(Debug, Default)]
pub struct Crls {
    lists: Vec<Crl>,
}

/// What the lists say about a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// No list names any of it. Authorities without a list count as having revoked nothing.
    Good,
    /// The lists of one of its issuers have all expired, and name nobody of it.
    Expired,
    /// A list, expired or not, names one of it.
    Revoked,
}

impl Crls {
    /// No list, which revokes nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self { lists: Vec::new() }
    }

    /// Reads one list in DER, or any number in PEM, where other blocks are skipped. An empty text holds no list.
    ///
    /// # Errors
    /// [`TlsConfigError::Crl`] if a list is malformed, or of a kind that is not supported: a delta, an indirect list, or
    /// one split by reasons. [`TlsConfigError::Pem`] if the text is neither PEM nor DER.
    pub fn parse(text: &[u8]) -> Result<Self, TlsConfigError> {
        const WHAT: &str = "revocation list";
        let text = pem_text(WHAT, text)?;
        if text.trim_ascii().is_empty() {
            return Ok(Self::new());
        }
        if text.first() == Some(&SEQUENCE) && !has_block(text) {
            return Ok(Self {
                lists: vec![Crl::from_der(text)?],
            });
        }
        let unreadable = |reason: String| TlsConfigError::Pem { what: WHAT, reason };
        if !has_block(text) {
            return Err(unreadable("it is neither PEM nor DER".to_owned()));
        }
        let lists = CertificateRevocationListDer::pem_slice_iter(text)
            .map(|der| Crl::from_der(&der.map_err(|error| unreadable(error.to_string()))?))
            .collect::<Result<_, _>>()?;
        Ok(Self { lists })
    }

    /// Whether there is no list.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// How many lists there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.lists.len()
    }

    pub(super) fn revoke(
        &self,
        chain: &PeerChain,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> bool {
        chain.links.iter().any(|link| {
            let mut lists = self.lists_for(link, algorithms);
            lists.any(|list| list.lists(link))
        })
    }

    /// What the lists say about the links of a path at `now`.
    pub(super) fn status(
        &self,
        links: &[Link],
        now: UnixTime,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Status {
        let mut status = Status::Good;
        for link in links {
            let (mut known, mut current) = (false, false);
            for list in self.lists_for(link, algorithms) {
                if list.lists(link) {
                    return Status::Revoked;
                }
                known = true;
                current |= !list.has_expired(now);
            }
            if known && !current {
                status = Status::Expired;
            }
        }
        status
    }

    fn lists_for(
        &self,
        link: &Link,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> impl Iterator<Item = &Crl> {
        self.lists
            .iter()
            .filter(move |list| list.is_for(link, algorithms))
    }
}

/// The first octet of a list in DER, which is also the digit 0.
const SEQUENCE: u8 = 0x30;
