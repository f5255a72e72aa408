use std::fmt;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use spiffe::TrustDomain;

use super::TlsConfigError;
use super::pem_text::pem_text;

/// The roots of each trust domain that we deal with.
///
/// A certificate is verified against the bundle of the trust domain that it names and no other: what one domain's
/// authority signs about another domain proves nothing (SPIFFE Trust Domain and Bundle, section 3).
///
/// Specification: HBONE-I-003.
#[derive(Clone, Default)]
pub struct TrustBundles {
    bundles: Vec<(TrustDomain, Vec<TrustAnchor<'static>>)>,
}

impl TrustBundles {
    /// No bundle, which trusts nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bundles: Vec::new(),
        }
    }

    /// Adds the roots of `trust_domain`; roots for a domain that is already there are added to its own.
    ///
    /// # Errors
    /// [`TlsConfigError::TrustDomain`] for a name that is none, [`TlsConfigError::EmptyBundle`] if `roots` is empty,
    /// [`TlsConfigError::Root`] if one of them cannot be parsed.
    pub fn with_roots<'a>(
        mut self,
        trust_domain: &str,
        roots: impl IntoIterator<Item = CertificateDer<'a>>,
    ) -> Result<Self, TlsConfigError> {
        let domain = TrustDomain::new(trust_domain)
            .map_err(|_| TlsConfigError::TrustDomain(trust_domain.to_owned()))?;
        let mut anchors = Vec::new();
        for root in roots {
            let anchor =
                webpki::anchor_from_trusted_cert(&root).map_err(|error| TlsConfigError::Root {
                    trust_domain: trust_domain.to_owned(),
                    reason: format!("{error:?}"),
                })?;
            anchors.push(anchor.to_owned());
        }
        if anchors.is_empty() {
            return Err(TlsConfigError::EmptyBundle(trust_domain.to_owned()));
        }
        match self.bundles.iter_mut().find(|(known, _)| *known == domain) {
            Some((_, known)) => known.extend(anchors),
            None => self.bundles.push((domain, anchors)),
        }
        Ok(self)
    }

    /// The same, with the roots as PEM text.
    ///
    /// # Errors
    /// As [`with_roots`](Self::with_roots), and [`TlsConfigError::Pem`].
    pub fn with_pem(self, trust_domain: &str, pem: &[u8]) -> Result<Self, TlsConfigError> {
        const WHAT: &str = "trust bundle";
        let roots: Vec<_> = CertificateDer::pem_slice_iter(pem_text(WHAT, pem)?)
            .collect::<Result<_, _>>()
            .map_err(|error| TlsConfigError::pem(WHAT, &error))?;
        self.with_roots(trust_domain, roots)
    }

    /// Whether there is no bundle.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bundles.is_empty()
    }

    pub(super) const fn must_trust_somebody(&self) -> Result<(), TlsConfigError> {
        if self.bundles.is_empty() {
            return Err(TlsConfigError::NoBundle);
        }
        Ok(())
    }

    pub(super) fn anchors(&self, trust_domain: &TrustDomain) -> Option<&[TrustAnchor<'static>]> {
        let (_, anchors) = self
            .bundles
            .iter()
            .find(|(known, _)| known == trust_domain)?;
        Some(anchors)
    }
}

impl fmt::Debug for TrustBundles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = self
            .bundles
            .iter()
            .map(|(domain, anchors)| (domain.as_str(), anchors.len()));
        f.debug_map().entries(sizes).finish()
    }
}
