use std::fmt;
use std::slice;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The lines of one header, raw and in the order they came.
///
/// A tunnel carries the lines of a header such as `baggage` without reading them: a forwarder passes them on octet for octet,
/// and a clone costs reference counts. Nothing is allocated for no line or one.
///
/// Specification: HBONE-H-003.
#[derive(Clone, Default)]
pub struct HeaderValues(Lines);

#[derive(Clone, Default)]
enum Lines {
    #[default]
    None,
    One(HeaderValue),
    Many(Arc<[HeaderValue]>),
}

impl HeaderValues {
    /// No line.
    pub const fn new() -> Self {
        Self(Lines::None)
    }

    /// Every line of `map` that is named `name`.
    pub fn from_map(map: &HeaderMap, name: &HeaderName) -> Self {
        map.get_all(name).iter().cloned().collect()
    }

    /// The lines.
    pub fn as_slice(&self) -> &[HeaderValue] {
        match &self.0 {
            Lines::None => &[],
            Lines::One(line) => slice::from_ref(line),
            Lines::Many(lines) => lines,
        }
    }

    /// The lines, one after the other.
    pub fn iter(&self) -> slice::Iter<'_, HeaderValue> {
        self.as_slice().iter()
    }

    /// How many lines there are. A line may be empty and counts all the same.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there is no line at all, which is not the same as one empty line.
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// Adds the lines to `map`, which has room for one more name, under `name`.
    pub(crate) fn append_to(&self, map: &mut HeaderMap, name: &HeaderName) {
        for line in self {
            map.append(name, line.clone());
        }
    }
}

impl fmt::Debug for HeaderValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl PartialEq for HeaderValues {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for HeaderValues {}

impl From<HeaderValue> for HeaderValues {
    fn from(line: HeaderValue) -> Self {
        Self(Lines::One(line))
    }
}

impl FromIterator<HeaderValue> for HeaderValues {
    fn from_iter<I: IntoIterator<Item = HeaderValue>>(lines: I) -> Self {
        let mut lines = lines.into_iter();
        let Some(first) = lines.next() else {
            return Self(Lines::None);
        };
        let Some(second) = lines.next() else {
            return Self(Lines::One(first));
        };
        let all: Vec<_> = [first, second].into_iter().chain(lines).collect();
        Self(Lines::Many(all.into()))
    }
}

impl<'a> IntoIterator for &'a HeaderValues {
    type Item = &'a HeaderValue;
    type IntoIter = slice::Iter<'a, HeaderValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
