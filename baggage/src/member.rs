use alloc::borrow::Cow;
use core::fmt;

use crate::percent;
use crate::property::{Properties, text};

/// One well-formed list member, borrowed from the header: a key, a value and properties.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    text: &'a [u8],
    key: &'a [u8],
    value: &'a [u8],
    properties: &'a [u8],
}

impl<'a> Member<'a> {
    pub(crate) const fn new(
        text: &'a [u8],
        key: &'a [u8],
        value: &'a [u8],
        properties: &'a [u8],
    ) -> Self {
        Self {
            text,
            key,
            value,
            properties,
        }
    }

    /// The key, a token, exactly as received: case-sensitive and never percent-decoded.
    pub fn key(&self) -> &'a str {
        text(self.key)
    }

    /// The value, percent-decoded once; borrowed if it holds no `%`.
    ///
    /// It is whatever the peer wrote: it may hold line breaks, NUL, terminal escapes. Show it through
    /// [`Sanitized`](crate::Sanitized), and encode it again before sending it on.
    pub fn value(&self) -> Cow<'a, str> {
        percent::decode(self.value)
    }

    /// The value as it stands in the header, without the white space around it.
    pub fn encoded_value(&self) -> &'a str {
        text(self.value)
    }

    /// The properties, in order, duplicates kept.
    pub const fn properties(&self) -> Properties<'a> {
        Properties::new(self.properties)
    }

    /// The whole member as it stands in the header, without the white space around it.
    pub fn as_str(&self) -> &'a str {
        text(self.text)
    }

    /// The member as it is to be sent: without white space or empty properties, and each `%` in a value
    /// escaped that escapes nothing.
    pub(crate) fn pieces(self) -> impl Iterator<Item = &'a str> {
        let value = percent::escape_bare(self.encoded_value());
        [self.key(), "="]
            .into_iter()
            .chain(value)
            .chain(self.properties().flat_map(|property| {
                let value = property.encoded_value();
                let equals = if value.is_some() { "=" } else { "" };
                [";", property.key(), equals]
                    .into_iter()
                    .chain(percent::escape_bare(value.unwrap_or_default()))
            }))
    }

    /// How many `%` in its values escape nothing.
    pub(crate) fn bare_percents(&self) -> usize {
        if !self.text.contains(&b'%') {
            return 0;
        }
        let properties = self
            .properties()
            .filter_map(|property| property.value_bytes());
        core::iter::once(self.value)
            .chain(properties)
            .map(percent::count_bare)
            .sum()
    }

    /// All of it, if there is nothing but a key, `=` and a value.
    pub(crate) fn as_plain(&self) -> Option<&'a [u8]> {
        (self.text.len() == self.key.len() + 1 + self.value.len()).then_some(self.text)
    }

    pub(crate) const fn key_bytes(&self) -> &'a [u8] {
        self.key
    }

    pub(crate) const fn value_bytes(&self) -> &'a [u8] {
        self.value
    }

    /// How many bytes count towards the limit.
    pub(crate) const fn len(&self) -> usize {
        self.text.len()
    }
}

/// Equal in meaning: the keys, the decoded values and the decoded properties are the same.
impl PartialEq for Member<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
            && self.value() == other.value()
            && self.properties().eq(other.properties())
    }
}

impl Eq for Member<'_> {}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("key", &self.key())
            .field("value", &self.value())
            .field("properties", &self.properties())
            .finish()
    }
}
