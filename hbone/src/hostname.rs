use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

/// The most bytes a host name has, without its trailing dot (RFC 1035 section 2.3.4 leaves 253 for text).
const MAX_NAME: usize = 253;
/// The most bytes one label has (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// A host name in canonical form: ASCII lower case, no trailing dot, cheap to clone.
///
/// Labels hold letters, digits, hyphens and underscores, at most 63 of them, and neither begin nor end with a hyphen; the
/// name has at most 253 bytes. International names travel as A-labels (`xn--...`), which are labels like any other.
///
/// A name whose last label is a number is never a host name, since some resolver somewhere reads it as an IPv4 address:
/// `127.1`, `2130706433`, `0177.0.0.1`, `0x7f.1` (the "ends in a number" rule of the WHATWG URL standard).
///
/// ```
/// use hbone::Hostname;
///
/// let host: Hostname = "Echo.Default.SVC.cluster.local.".parse()?;
/// assert_eq!(host.as_str(), "echo.default.svc.cluster.local");
/// # Ok::<(), hbone::HostnameError>(())
/// ```
///
/// Specification: HBONE-C-012.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hostname(Arc<str>);

impl Hostname {
    /// Reads a host name and brings it to canonical form.
    ///
    /// # Errors
    ///
    /// Anything but a host name, an IP address included.
    pub fn parse(text: &str) -> Result<Self, HostnameError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(HostnameError::Empty);
        }
        if name.len() > MAX_NAME {
            return Err(HostnameError::TooLong);
        }
        for label in name.split('.') {
            check_label(label)?;
        }
        if ends_in_number(name) {
            return Err(HostnameError::EndsInNumber);
        }
        let mut shared: Arc<str> = name.into();
        // Nobody shares it yet, so it is lowered in place.
        if let Some(name) = Arc::get_mut(&mut shared) {
            name.make_ascii_lowercase();
        }
        Ok(Self(shared))
    }

    /// The name, in lower case and without a trailing dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this name stands below `parent`: `a.example.com` is below `example.com`, which is not below itself.
    pub fn is_below(&self, parent: &Self) -> bool {
        self.0
            .strip_suffix(parent.as_str())
            .is_some_and(|rest| rest.ends_with('.'))
    }
}

fn check_label(label: &str) -> Result<(), HostnameError> {
    if label.is_empty() {
        return Err(HostnameError::EmptyLabel);
    }
    if label.len() > MAX_LABEL {
        return Err(HostnameError::LabelTooLong);
    }
    if !label
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    {
        return Err(HostnameError::BadCharacter);
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(HostnameError::Hyphen);
    }
    Ok(())
}

/// The WHATWG rule: the last label is all digits, or `0x` and any number of hexadecimal digits.
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    last.strip_prefix("0x")
        .or_else(|| last.strip_prefix("0X"))
        .is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl AsRef<str> for Hostname {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Hostname {
    type Err = HostnameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text is not a host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HostnameError {
    /// A character other than an ASCII letter, a digit, a hyphen, an underscore or a dot.
    #[error(
        "the host name has a character other than letters, digits, hyphens, underscores and dots"
    )]
    BadCharacter,
    /// There is no name.
    #[error("the host name is empty")]
    Empty,
    /// Two dots in a row, or a dot in front.
    #[error("the host name has an empty label")]
    EmptyLabel,
    /// The last label is a decimal or hexadecimal number, so that some resolver reads the name as an IPv4 address.
    #[error("the host name ends in a number; write an IPv4 address as four plain decimal numbers")]
    EndsInNumber,
    /// A label begins or ends with a hyphen.
    #[error("a label of the host name begins or ends with a hyphen")]
    Hyphen,
    /// A label is longer than 63 bytes.
    #[error("a label of the host name is longer than 63 bytes")]
    LabelTooLong,
    /// The name is longer than 253 bytes.
    #[error("the host name is longer than 253 bytes")]
    TooLong,
}
