use std::fmt;
use std::sync::Arc;

use spiffe::TrustDomain;

/// One trust domain and the other names it goes by.
///
/// A mesh whose trust domain was renamed, or that trusts the certificates of another as its own, lists aliases. Each name stands
/// for the whole: whoever is of one is of all. A clone costs a reference count; the order of the aliases does not matter.
///
/// Specification: HBONE-I-004.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomains(Arc<[TrustDomain]>);

impl TrustDomains {
    /// A trust domain and its aliases.
    pub fn new(domain: TrustDomain, aliases: impl IntoIterator<Item = TrustDomain>) -> Self {
        let mut all: Vec<_> = [domain].into_iter().chain(aliases).collect();
        all.sort();
        all.dedup();
        Self(all.into())
    }

    /// Whether `domain` is the trust domain or one of its aliases.
    pub fn contains(&self, domain: &TrustDomain) -> bool {
        self.0.contains(domain)
    }

    /// Every name, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &TrustDomain> {
        self.0.iter()
    }
}

impl From<TrustDomain> for TrustDomains {
    fn from(domain: TrustDomain) -> Self {
        Self::new(domain, [])
    }
}

impl fmt::Display for TrustDomains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, domain) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "|" };
            write!(f, "{separator}{domain}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TrustDomains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
