use std::net::Ipv6Addr;
use std::str::FromStr;

use http::uri::Authority;
use thiserror::Error;

/// Whom a request is for, as its client wrote it: a name or an address, and a port if one was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    text: Authority,
    name: String,
}

/// A text that names no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not of the form HOST or HOST:PORT")]
#[non_exhaustive]
pub struct HostError;

impl Host {
    /// Reads a `Host` header or `:authority` (RFC 9110 section 7.2).
    ///
    /// # Errors
    /// It is empty or has an empty label, a user, a path, an empty port or one that begins with a zero, or characters that no name of a
    /// host and no address has.
    pub fn parse(text: &[u8]) -> Result<Self, HostError> {
        let text = Authority::try_from(text).map_err(|_| HostError)?;
        let host = text.host();
        let is_ordinary = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'[' | b']' | b':')
        };
        let bracketed = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let is_address = bracketed.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
        let rest = text.as_str().strip_prefix(host).ok_or(HostError)?;
        let has_port = match rest.strip_prefix(':') {
            Some(port) => {
                let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
                // A zero at its beginning would be the same port in another writing.
                is_number && !port.starts_with('0') && port.parse::<u16>().is_ok()
            }
            None => rest.is_empty(),
        };
        let name = host.strip_suffix('.').unwrap_or(host);
        let has_labels = name.split('.').all(|label| !label.is_empty());
        if !has_labels
            || host.len() > 255
            || !has_port
            || !host.bytes().all(is_ordinary)
            || (!is_address && host.contains(['[', ']', ':']))
        {
            return Err(HostError);
        }
        let name = name.to_ascii_lowercase();
        Ok(Self { name, text })
    }

    /// In lower case, without a dot at its end.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port, if one was written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.text.port_u16()
    }

    /// As it was written.
    #[must_use]
    pub const fn as_written(&self) -> &Authority {
        &self.text
    }

    /// Whether both mean the same, if `default` is the port of one that names none.
    pub(super) fn is_same(&self, other: &Self, default: u16) -> bool {
        let port = |host: &Self| host.port().unwrap_or(default);
        self.name == other.name && port(self) == port(other)
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_hosts() {
        for (text, name, port) in [
            ("echo", "echo", None),
            ("Echo.Shop.svc:80", "echo.shop.svc", Some(80)),
            ("echo.shop.", "echo.shop", None),
            ("10.0.0.1:8080", "10.0.0.1", Some(8080)),
            ("[fd00::1]:80", "[fd00::1]", Some(80)),
            ("[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]", None),
            ("under_score", "under_score", None),
        ] {
            let host = Host::parse(text.as_bytes()).expect(text);
            assert_eq!((host.name(), host.port()), (name, port), "{text}");
        }
    }

    #[test]
    fn a_port_that_goes_without_saying_is_the_same_as_one_that_is_said() {
        let host = |text: &str| Host::parse(text.as_bytes()).expect(text);
        assert!(host("a").is_same(&host("A.:80"), 80));
        assert!(host("a:443").is_same(&host("a"), 443));
        assert!(!host("a:443").is_same(&host("a"), 80));
        assert!(!host("a:81").is_same(&host("a:80"), 80));
        assert!(!host("a").is_same(&host("b"), 80));
    }

    #[test]
    fn what_is_odd_is_none() {
        for text in [
            "", ":80", "a:", "a:0", "a:65536", "a:+80", "a:80:90", "user@a", "a/b", "a b", "a,b",
            ".", "..", ".:80", "a..", "a..b", ".a", "a:080", "a:00", "[::1].", "a?b", "a#b",
            "[::1", "::1", "[::z]", "[a]", "a%00", "a;b", "a\\b",
        ] {
            assert_eq!(Host::parse(text.as_bytes()), Err(HostError), "{text:?}");
        }
        assert!(Host::parse(b"a\x7f").is_err());
        assert!(Host::parse(&[b'a'; 256]).is_err());
    }
}
