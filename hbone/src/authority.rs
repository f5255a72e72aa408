mod error;
mod parse;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::str::FromStr;

pub use error::AuthorityError;
pub(crate) use parse::Host;

use crate::Hostname;

/// Where a CONNECT wants to go: an address or a host name, and always a port (RFC 9110 section 9.3.6, RFC 9113 section 8.5).
///
/// There is one parser, [`Authority::parse`], and policy and dialler both take this type, so that what was checked is what is
/// dialled. It keeps no spelling, only the meaning: names in lower case without a trailing dot, an IPv4-mapped IPv6 address as
/// the IPv4 address it stands for.
///
/// ```
/// use hbone::Authority;
///
/// let authority: Authority = "[::FFFF:10.0.0.7]:8080".parse()?;
/// assert_eq!(authority.to_string(), "10.0.0.7:8080");
/// # Ok::<(), hbone::AuthorityError>(())
/// ```
///
/// # What arrives through `http`
///
/// [`http::uri::Authority`], which `h2` hands over, is looser than HBONE. It refuses the empty text, bytes that no URI has
/// (blanks, controls, non-ASCII, any of ``"<>\^`{|}``), a path, query or fragment, unbalanced brackets, a `%` outside user info and
/// brackets, and more than one colon after them; `h2` answers those with a stream error of type `PROTOCOL_ERROR`, and nobody
/// above it sees the request. It lets through: user info, a missing, empty, zero, padded, signed or enormous port, anything at
/// all between brackets (zones included), numbers in disguise, and names with any of `!$&'()*+,;=~`. All of these meet their
/// refusal here.
///
/// Specification: HBONE-C-002, HBONE-C-012.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "an authority is one or the other; a match must say what it does for both"
)]
pub enum Authority {
    /// An IP address and a port.
    Addr(SocketAddr),
    /// A host name and a port.
    Name {
        /// The name, in canonical form.
        host: Hostname,
        /// The port.
        port: NonZeroU16,
    },
}

impl Authority {
    /// Reads `host:port`, `1.2.3.4:port` or `[ipv6]:port`.
    ///
    /// # Errors
    ///
    /// Everything else has an error of its own: see [`AuthorityError`].
    pub fn parse(text: &str) -> Result<Self, AuthorityError> {
        parse::authority(text)
    }

    /// The port, which [`Authority::parse`] never lets be zero.
    pub fn port(&self) -> u16 {
        match self {
            Self::Addr(addr) => addr.port(),
            Self::Name { port, .. } => port.get(),
        }
    }

    /// The address, if this is one.
    pub fn addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Addr(addr) => Some(*addr),
            Self::Name { .. } => None,
        }
    }

    /// The host name, if this is one.
    pub fn hostname(&self) -> Option<&Hostname> {
        match self {
            Self::Addr(_) => None,
            Self::Name { host, .. } => Some(host),
        }
    }
}

/// An address in canonical form: IPv4-mapped IPv6 becomes IPv4, scope and flow label go.
pub(crate) fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Without the scope that a socket address may carry: it means nothing to another host.
            Self::Addr(addr) => canonical(*addr).fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SocketAddr> for Authority {
    fn from(addr: SocketAddr) -> Self {
        Self::Addr(canonical(addr))
    }
}

impl From<(Hostname, NonZeroU16)> for Authority {
    fn from((host, port): (Hostname, NonZeroU16)) -> Self {
        Self::Name { host, port }
    }
}

impl FromStr for Authority {
    type Err = AuthorityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<&http::uri::Authority> for Authority {
    type Error = AuthorityError;

    fn try_from(authority: &http::uri::Authority) -> Result<Self, Self::Error> {
        Self::parse(authority.as_str())
    }
}
