use std::fmt;
use std::net::IpAddr;

use super::parse::is_token;
use super::{ForwardedError, Node, NodeName};
use crate::Hostname;

/// What one proxy says about the connection it accepted (RFC 7239 section 5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Element {
    pub(super) by: Option<Node>,
    pub(super) client: Option<Node>,
    pub(super) host: Option<Box<str>>,
    pub(super) proto: Option<Box<str>>,
}

impl Element {
    /// An element that says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The address at which the proxy was reached.
    pub const fn by(&self) -> Option<&Node> {
        self.by.as_ref()
    }

    /// Who connected to the proxy: the parameter `for`.
    pub const fn client(&self) -> Option<&Node> {
        self.client.as_ref()
    }

    /// The host that the client asked for.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The scheme of the client's request, in lower case.
    pub fn proto(&self) -> Option<&str> {
        self.proto.as_deref()
    }

    /// The same, with where the proxy was reached.
    #[must_use]
    pub fn with_by(mut self, by: Node) -> Self {
        self.by = Some(by);
        self
    }

    /// The same, with who connected to the proxy.
    #[must_use]
    pub fn with_for(mut self, client: Node) -> Self {
        self.client = Some(client);
        self
    }

    /// The same, with the name that the client asked for.
    #[must_use]
    pub fn with_hostname(mut self, host: &Hostname) -> Self {
        self.host = Some(host.as_str().into());
        self
    }

    /// The same, with the host that the client asked for, and perhaps its port.
    ///
    /// # Errors
    ///
    /// The text cannot stand in a `host` header.
    pub fn with_host(mut self, host: &str) -> Result<Self, ForwardedError> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+:[]%".contains(&byte);
        if host.is_empty() || !host.bytes().all(good) {
            return Err(ForwardedError::BadHost);
        }
        self.host = Some(host.into());
        Ok(self)
    }

    /// The same, with the scheme of the client's request.
    ///
    /// # Errors
    ///
    /// The text is not a URI scheme (RFC 3986 section 3.1).
    pub fn with_proto(mut self, proto: &str) -> Result<Self, ForwardedError> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !proto.starts_with(|first: char| first.is_ascii_alphabetic()) || !proto.bytes().all(good)
        {
            return Err(ForwardedError::BadProto);
        }
        self.proto = Some(proto.to_ascii_lowercase().into());
        Ok(self)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(client) = &self.client {
            f.write_str("for=")?;
            write_node(f, client)?;
            separator = ";";
        }
        if let Some(host) = &self.host {
            write!(f, "{separator}host=")?;
            write_text(f, host)?;
            separator = ";";
        }
        if let Some(proto) = &self.proto {
            write!(f, "{separator}proto={proto}")?;
            separator = ";";
        }
        if let Some(by) = &self.by {
            write!(f, "{separator}by=")?;
            write_node(f, by)?;
        }
        Ok(())
    }
}

/// A node is always quoted when it has more than a name, since a colon or a bracket is no token.
fn write_node(f: &mut fmt::Formatter<'_>, node: &Node) -> fmt::Result {
    if node.port.is_none() && !matches!(node.name, NodeName::Addr(IpAddr::V6(_))) {
        return write!(f, "{node}");
    }
    write!(f, "\"{node}\"")
}

/// A host has no character that must be escaped within quotes.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if text.bytes().all(is_token) {
        return f.write_str(text);
    }
    write!(f, "\"{text}\"")
}
