mod expected;
mod trust_domains;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use spiffe::{SpiffeId, TrustDomain};
use thiserror::Error;

pub use expected::{Expected, ExpectedIdentities, IdentityMismatch};
pub use trust_domains::TrustDomains;

/// The most bytes a SPIFFE id has (SPIFFE-ID section 2.3).
const MAX_LEN: usize = 2048;

/// Who a workload is: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`, Istio's form of a SPIFFE id.
///
/// Nothing is normalised: a text that SPIFFE would read as another spelling of an id (an upper-case scheme or trust domain) is
/// refused, so that two identities are equal exactly if their texts are. A clone costs a reference count.
///
/// ```
/// use hbone::Identity;
///
/// let who: Identity = "spiffe://cluster.local/ns/shop/sa/cart".parse()?;
/// assert_eq!((who.namespace(), who.service_account()), ("shop", "cart"));
/// # Ok::<(), hbone::IdentityError>(())
/// ```
///
/// Specification: HBONE-I-001, HBONE-I-002.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(Arc<SpiffeId>);

impl Identity {
    /// The identity of a service account.
    ///
    /// # Errors
    ///
    /// A namespace or service account that is empty, a dot segment, or has a character that SPIFFE does not let stand in a path
    /// segment; a text of more than 2048 bytes.
    pub fn new(
        trust_domain: &TrustDomain,
        namespace: &str,
        service_account: &str,
    ) -> Result<Self, IdentityError> {
        let segments = ["ns", namespace, "sa", service_account];
        let id = SpiffeId::from_segments(trust_domain.clone(), &segments)
            .map_err(|error| IdentityError::Spiffe(error.to_string()))?;
        Ok(Self(Arc::new(id)))
    }

    /// Reads the URI of a certificate.
    ///
    /// # Errors
    ///
    /// Anything but Istio's form, spelled as SPIFFE would write it: see [`IdentityError`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        if text.len() > MAX_LEN {
            return Err(IdentityError::TooLong);
        }
        let id = SpiffeId::new(text).map_err(|error| IdentityError::Spiffe(error.to_string()))?;
        if id.to_string() != text {
            return Err(IdentityError::NotCanonical);
        }
        Self::try_from(id)
    }

    /// The trust domain.
    pub fn trust_domain(&self) -> &TrustDomain {
        self.0.trust_domain()
    }

    /// The Kubernetes namespace.
    pub fn namespace(&self) -> &str {
        self.segments().0
    }

    /// The Kubernetes service account.
    pub fn service_account(&self) -> &str {
        self.segments().1
    }

    /// The SPIFFE id.
    pub fn spiffe_id(&self) -> &SpiffeId {
        &self.0
    }

    fn segments(&self) -> (&str, &str) {
        // Every constructor has seen to it that the path splits.
        split(self.0.path()).unwrap_or_default()
    }
}

/// Splits the path of Istio's form into namespace and service account.
fn split(path: &str) -> Option<(&str, &str)> {
    let (namespace, rest) = path.strip_prefix("/ns/")?.split_once('/')?;
    let service_account = rest.strip_prefix("sa/")?;
    if service_account.contains('/') {
        return None;
    }
    Some((namespace, service_account))
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The form alone is checked. `SpiffeId` has normalised its text already, so whoever holds the text of a certificate calls
/// [`Identity::parse`] instead.
impl TryFrom<SpiffeId> for Identity {
    type Error = IdentityError;

    fn try_from(id: SpiffeId) -> Result<Self, Self::Error> {
        if split(id.path()).is_none() {
            return Err(IdentityError::NotIstio);
        }
        Ok(Self(Arc::new(id)))
    }
}

impl From<Identity> for SpiffeId {
    fn from(identity: Identity) -> Self {
        Arc::unwrap_or_clone(identity.0)
    }
}

/// Why a text is not an identity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A spelling that SPIFFE would normalise: an upper-case scheme or trust domain.
    #[error(
        "the SPIFFE id is not in canonical form; write the scheme and the trust domain in lower case"
    )]
    NotCanonical,
    /// A SPIFFE id, but not of Istio's form.
    #[error(
        "the SPIFFE id is not of the form spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT"
    )]
    NotIstio,
    /// Not a SPIFFE id, with the reason in words.
    #[error(
        "not a SPIFFE id of the form spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT: {0}"
    )]
    Spiffe(String),
    /// More than 2048 bytes.
    #[error("the SPIFFE id is longer than 2048 bytes")]
    TooLong,
}
