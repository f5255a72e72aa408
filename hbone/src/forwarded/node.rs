use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::ForwardedError;

/// A party of a `forwarded` element: a name and perhaps a port (RFC 7239 section 6).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Node {
    /// The name.
    pub name: NodeName,
    /// The port.
    pub port: Option<NodePort>,
}

/// Who a node is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeName {
    /// An IP address.
    Addr(IpAddr),
    /// Somebody that the proxy calls by a name of its own (RFC 7239 section 6.3).
    Obfuscated(Obfuscated),
    /// Somebody unknown to the proxy.
    Unknown,
}

/// Which port of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodePort {
    /// A port number.
    Number(u16),
    /// A port that the proxy calls by a name of its own.
    Obfuscated(Obfuscated),
}

/// A name that means something to the proxy that made it: `_`, then letters, digits, `.`, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Obfuscated(Box<str>);

impl Node {
    /// A node, with or without a port.
    pub const fn new(name: NodeName, port: Option<NodePort>) -> Self {
        Self { name, port }
    }

    /// The address and port, if the node names both in clear.
    pub fn addr(&self) -> Option<SocketAddr> {
        match (&self.name, &self.port) {
            (NodeName::Addr(ip), Some(NodePort::Number(port))) => Some(SocketAddr::new(*ip, *port)),
            _ => None,
        }
    }
}

impl Obfuscated {
    /// The name, with its leading underscore.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<SocketAddr> for Node {
    fn from(addr: SocketAddr) -> Self {
        Self::new(
            NodeName::Addr(addr.ip().to_canonical()),
            Some(NodePort::Number(addr.port())),
        )
    }
}

impl From<IpAddr> for Node {
    fn from(addr: IpAddr) -> Self {
        Self::new(NodeName::Addr(addr.to_canonical()), None)
    }
}

impl FromStr for Node {
    type Err = ForwardedError;

    /// Reads a node without the quotes that it may have stood in.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, port) = split(text)?;
        Ok(Self::new(name.parse()?, port.map(str::parse).transpose()?))
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), ForwardedError> {
    let name_len = match text.strip_prefix('[') {
        Some(_) => text
            .find(']')
            .ok_or(ForwardedError::BadNode)?
            .saturating_add(1),
        None => text.find(':').unwrap_or(text.len()),
    };
    let (name, rest) = text
        .split_at_checked(name_len)
        .ok_or(ForwardedError::BadNode)?;
    if rest.is_empty() {
        return Ok((name, None));
    }
    let port = rest.strip_prefix(':').ok_or(ForwardedError::BadNode)?;
    Ok((name, Some(port)))
}

impl FromStr for NodeName {
    type Err = ForwardedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("unknown") {
            return Ok(Self::Unknown);
        }
        if text.starts_with('_') {
            return text.parse().map(Self::Obfuscated);
        }
        let bracketed = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let addr = match bracketed {
            Some(text) => text.parse().map(IpAddr::V6),
            None => text.parse().map(IpAddr::V4),
        };
        addr.map(|addr| Self::Addr(addr.to_canonical()))
            .map_err(|_| ForwardedError::BadNode)
    }
}

impl FromStr for NodePort {
    type Err = ForwardedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with('_') {
            return text.parse().map(Self::Obfuscated);
        }
        // One to five digits, which may be more than a port number holds.
        if text.len() > 5 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ForwardedError::BadNode);
        }
        text.parse()
            .map(Self::Number)
            .map_err(|_| ForwardedError::BadNode)
    }
}

impl FromStr for Obfuscated {
    type Err = ForwardedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_prefix('_').ok_or(ForwardedError::BadNode)?;
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || !name.bytes().all(good) {
            return Err(ForwardedError::BadNode);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        match &self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(IpAddr::V4(addr)) => addr.fmt(f),
            Self::Addr(IpAddr::V6(addr)) => write!(f, "[{addr}]"),
            Self::Obfuscated(name) => name.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl fmt::Display for NodePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(port) => port.fmt(f),
            Self::Obfuscated(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for Obfuscated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
