use alloc::borrow::Cow;
use core::fmt;
use core::iter::FusedIterator;

use crate::cursor::Cursor;
use crate::percent;

/// A property of a member: `key` or `key=value` after a semicolon. Properties never act as members.
#[derive(Clone, Copy)]
pub struct Property<'a> {
    key: &'a [u8],
    value: Option<&'a [u8]>,
}

impl<'a> Property<'a> {
    /// The key, a token, exactly as received: case-sensitive and never percent-decoded.
    pub fn key(&self) -> &'a str {
        text(self.key)
    }

    /// The value, percent-decoded; `None` where no `=` was given, which differs from an empty value.
    pub fn value(&self) -> Option<Cow<'a, str>> {
        self.value.map(percent::decode)
    }

    /// The value as it stands in the header.
    pub fn encoded_value(&self) -> Option<&'a str> {
        self.value.map(text)
    }

    pub(crate) const fn key_bytes(&self) -> &'a [u8] {
        self.key
    }

    pub(crate) const fn value_bytes(&self) -> Option<&'a [u8]> {
        self.value
    }
}

impl PartialEq for Property<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value() == other.value()
    }
}

impl Eq for Property<'_> {}

impl fmt::Debug for Property<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Property")
            .field("key", &self.key())
            .field("value", &self.value())
            .finish()
    }
}

/// The properties of a member, read from the header as they are asked for, empty ones left out.
#[derive(Clone)]
pub struct Properties<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Properties<'a> {
    /// Of a member that was found well-formed, from its first semicolon on.
    pub(crate) const fn new(checked: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(checked),
        }
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.cursor.eat(b';') {
            self.cursor.skip_ows();
            let key = self.cursor.token();
            self.cursor.skip_ows();
            let value = self.cursor.eat(b'=').then(|| {
                self.cursor.skip_ows();
                let value = self.cursor.octets();
                self.cursor.skip_ows();
                value
            });
            if !key.is_empty() {
                return Some(Property { key, value });
            }
        }
        None
    }
}

impl FusedIterator for Properties<'_> {}

impl fmt::Debug for Properties<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// Text of octets already found to be ASCII.
pub(crate) fn text(ascii: &[u8]) -> &str {
    str::from_utf8(ascii).unwrap_or_default()
}
