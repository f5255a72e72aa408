use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::{Identity, TrustDomains};

/// Who may be at the other end of a connection.
///
/// A set: equal and of equal hash whatever the order it was built in, so that it can be part of a pool's key. An empty set never
/// matches anybody. A clone costs a reference count.
///
/// ```
/// use hbone::{ExpectedIdentities, Identity};
///
/// let cart: Identity = "spiffe://cluster.local/ns/shop/sa/cart".parse()?;
/// assert!(ExpectedIdentities::from(cart.clone()).check(&cart).is_ok());
/// assert!(ExpectedIdentities::default().check(&cart).is_err());
/// # Ok::<(), hbone::IdentityError>(())
/// ```
///
/// Specification: HBONE-I-005, HBONE-D-004.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpectedIdentities(Arc<[Expected]>);

impl ExpectedIdentities {
    /// Whether nobody is expected, so that nobody matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is expected, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &Expected> {
        self.0.iter()
    }

    /// Whether `identity` is one of those expected.
    ///
    /// # Errors
    ///
    /// It is not, or nobody is.
    pub fn check(&self, identity: &Identity) -> Result<(), IdentityMismatch> {
        if self.is_empty() {
            return Err(IdentityMismatch::NobodyExpected {
                came: identity.clone(),
            });
        }
        if self.iter().any(|expected| expected.matches(identity)) {
            return Ok(());
        }
        Err(IdentityMismatch::Unexpected {
            expected: self.clone(),
            came: identity.clone(),
        })
    }
}

impl FromIterator<Expected> for ExpectedIdentities {
    fn from_iter<I: IntoIterator<Item = Expected>>(expected: I) -> Self {
        let mut all: Vec<_> = expected.into_iter().collect();
        all.sort();
        all.dedup();
        Self(all.into())
    }
}

impl FromIterator<Identity> for ExpectedIdentities {
    fn from_iter<I: IntoIterator<Item = Identity>>(identities: I) -> Self {
        identities.into_iter().map(Expected::Identity).collect()
    }
}

impl From<Expected> for ExpectedIdentities {
    fn from(expected: Expected) -> Self {
        Self([expected].into())
    }
}

impl From<Identity> for ExpectedIdentities {
    fn from(identity: Identity) -> Self {
        Expected::Identity(identity).into()
    }
}

impl fmt::Display for ExpectedIdentities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nobody");
        }
        for (index, expected) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{expected}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ExpectedIdentities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// One rule by which an identity is expected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Expected {
    /// This identity and no other: what ztunnel expects of a workload.
    Identity(Identity),
    /// Any service account of a namespace: what Istio's Envoy adds for a waypoint.
    Namespace {
        /// The trust domain, with aliases.
        trust_domains: TrustDomains,
        /// The Kubernetes namespace.
        namespace: Arc<str>,
    },
    /// Anybody of a trust domain: what Istio's Envoy expects of every peer.
    TrustDomain(TrustDomains),
}

impl Expected {
    /// Whether the rule matches `identity`.
    pub fn matches(&self, identity: &Identity) -> bool {
        match self {
            Self::Identity(expected) => expected == identity,
            Self::Namespace {
                trust_domains,
                namespace,
            } => {
                trust_domains.contains(identity.trust_domain())
                    && **namespace == *identity.namespace()
            }
            Self::TrustDomain(trust_domains) => trust_domains.contains(identity.trust_domain()),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(identity) => identity.fmt(f),
            Self::Namespace {
                trust_domains,
                namespace,
            } => write!(f, "spiffe://{trust_domains}/ns/{namespace}/sa/*"),
            Self::TrustDomain(trust_domains) => write!(f, "spiffe://{trust_domains}/*"),
        }
    }
}

/// The peer's certificate names somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityMismatch {
    /// The set of expected identities is empty, so that nobody may come.
    #[error(
        "the peer is {came}, but nobody is expected there; give the destination at least one identity"
    )]
    NobodyExpected {
        /// Who came.
        came: Identity,
    },
    /// Somebody came who is not expected.
    #[error("the peer is {came}, expected {expected}")]
    Unexpected {
        /// Who was expected.
        expected: ExpectedIdentities,
        /// Who came.
        came: Identity,
    },
}
