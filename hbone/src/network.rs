use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use http::HeaderValue;
use thiserror::Error;

/// The most bytes the name of a network has.
const MAX_LEN: usize = 255;

/// The name of a network of the mesh, as in `x-forwarded-network`.
///
/// It may be empty, and the empty name is not the same as no header: a proxy that knows of no networks sends the empty name
/// when it comes through a gateway, and its peer learns from the header's presence that it did. The text is visible ASCII
/// without a comma, at most 255 bytes. A clone costs a reference count.
///
/// Specification: HBONE-H-007, HBONE-H-008.
#[derive(Clone)]
pub struct Network(HeaderValue);

impl Network {
    /// The network without a name.
    pub const EMPTY: Self = Self(HeaderValue::from_static(""));

    /// Reads a name.
    ///
    /// # Errors
    ///
    /// Text that is too long or not visible ASCII, or that has a comma.
    pub fn parse(name: &str) -> Result<Self, NetworkError> {
        check(name.as_bytes())?;
        HeaderValue::from_str(name)
            .map(Self)
            .map_err(|_| NetworkError::BadCharacter)
    }

    /// Reads a header value and shares its bytes.
    ///
    /// # Errors
    ///
    /// As [`Network::parse`].
    pub fn from_header(value: &HeaderValue) -> Result<Self, NetworkError> {
        check(value.as_bytes())?;
        Ok(Self(value.clone()))
    }

    /// The header value; costs a reference count.
    pub fn to_header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Whether the name is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether two names are the same to ztunnel, which ignores case. Istio's Envoy, like `==`, does not.
    pub fn eq_ignore_ascii_case(&self, other: &Self) -> bool {
        self.0.as_bytes().eq_ignore_ascii_case(other.0.as_bytes())
    }
}

/// A comma is what a proxy puts between two lines it joins: two networks are no network.
fn check(name: &[u8]) -> Result<(), NetworkError> {
    if name.len() > MAX_LEN {
        return Err(NetworkError::TooLong);
    }
    if !name
        .iter()
        .all(|&byte| byte.is_ascii_graphic() && byte != b',')
    {
        return Err(NetworkError::BadCharacter);
    }
    Ok(())
}

impl Default for Network {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

impl PartialEq for Network {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes() == other.0.as_bytes()
    }
}

impl Eq for Network {}

impl PartialOrd for Network {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Network {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_bytes().cmp(other.0.as_bytes())
    }
}

impl Hash for Network {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_bytes().hash(state);
    }
}

/// Why a text is not the name of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A blank, a comma, a control character or a byte outside ASCII.
    #[error("the name of the network has a character other than visible ASCII, or a comma")]
    BadCharacter,
    /// More than 255 bytes.
    #[error("the name of the network is longer than 255 bytes")]
    TooLong,
}
