//! The `forwarded` header: on whose behalf a proxy acts (RFC 7239).

mod element;
mod error;
mod node;
mod parse;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use http::HeaderValue;

pub use element::Element;
pub use error::ForwardedError;
pub use node::{Node, NodeName, NodePort, Obfuscated};

use crate::Hostname;

/// The most bytes of all lines together.
const MAX_LEN: usize = 8192;
const MAX_ELEMENTS: usize = 32;

/// The value of `forwarded`: one element a proxy on the way, the nearest to the client first (RFC 7239 section 4).
///
/// The parameters `by`, `for`, `host` and `proto` are read, in any order and with quoted strings; extension parameters are
/// skipped. Several header lines are one list. It is what a peer says and proves nothing.
///
/// ```
/// use hbone::Forwarded;
///
/// let forwarded: Forwarded = r#"For="[2001:db8::17]:4711"; host=echo.default.svc"#.parse()?;
/// let element = forwarded.elements().first().ok_or("an element")?;
/// assert_eq!(element.host(), Some("echo.default.svc"));
/// assert_eq!(forwarded.to_string(), r#"for="[2001:db8::17]:4711";host=echo.default.svc"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Specification: HBONE-H-004.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Forwarded {
    /// Never empty.
    elements: Vec<Element>,
}

impl Forwarded {
    /// A list of elements, without those that say nothing.
    ///
    /// # Errors
    ///
    /// Nothing is said at all, or more than anybody reads: 8 KiB or 32 elements.
    pub fn new(elements: impl IntoIterator<Item = Element>) -> Result<Self, ForwardedError> {
        let elements: Vec<_> = elements
            .into_iter()
            .filter(|element| *element != Element::new())
            .take(MAX_ELEMENTS.saturating_add(1))
            .collect();
        if elements.is_empty() {
            return Err(ForwardedError::Empty);
        }
        let forwarded = Self { elements };
        if forwarded.elements.len() > MAX_ELEMENTS || forwarded.to_string().len() > MAX_LEN {
            return Err(ForwardedError::TooLong);
        }
        Ok(forwarded)
    }

    /// What a node proxy says: the client's address, and the destination service if it is known.
    pub fn client(client: SocketAddr, service: Option<&Hostname>) -> Self {
        let mut element = Element::new().with_for(Node::from(client));
        if let Some(service) = service {
            element = element.with_hostname(service);
        }
        Self {
            elements: vec![element],
        }
    }

    /// The elements, the nearest to the client first; there is at least one.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The `host` of the last element that names one, which is the nearest proxy's word: from ztunnel, the destination service.
    ///
    /// ztunnel itself reads the first `host` of the value; of the one element that it writes, both are the same.
    pub fn host(&self) -> Option<&str> {
        self.elements.iter().rev().find_map(Element::host)
    }

    /// Reads all lines of the header as one list.
    ///
    /// # Errors
    ///
    /// Anything malformed in any line, since half a chain of proxies is worth nothing; more than 8 KiB or 32 elements.
    pub fn from_lines<'a>(
        lines: impl IntoIterator<Item = &'a HeaderValue>,
    ) -> Result<Self, ForwardedError> {
        parse::lines(lines.into_iter().map(HeaderValue::as_bytes))
    }
}

impl fmt::Display for Forwarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, element) in self.elements.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{element}")?;
        }
        Ok(())
    }
}

impl FromStr for Forwarded {
    type Err = ForwardedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::lines([text.as_bytes()])
    }
}
