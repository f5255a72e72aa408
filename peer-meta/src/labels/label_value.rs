use std::fmt::Write as _;

use spiffe::SpiffeId;

use super::UNKNOWN;

/// The longest value of a label that is not a principal, in bytes: the longest name that Kubernetes allows.
const LONGEST: usize = 253;
/// The longest SPIFFE id (SPIFFE-ID, section 2.3), so that no two principals ever become one.
const LONGEST_PRINCIPAL: usize = 2048;

/// A value before it is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum LabelValue<'a> {
    /// Written as it is: one of our own words.
    Fixed(&'static str),
    Number(u16),
    Principal(&'a SpiffeId),
    /// From outside: bounded and cleaned; `unknown` if empty.
    Text(&'a str),
}

impl<'a> LabelValue<'a> {
    pub(super) fn text(value: Option<&'a str>) -> Self {
        value.map_or(Self::Fixed(UNKNOWN), Self::Text)
    }

    /// No shorter than what [`write`](Self::write) appends.
    pub(super) fn capacity(self) -> usize {
        match self {
            Self::Fixed(word) => word.len(),
            Self::Number(_) => 5,
            Self::Principal(id) => id.trust_domain_name().len() + id.path().len() + SCHEME.len(),
            Self::Text(text) => text.len().clamp(UNKNOWN.len(), LONGEST),
        }
    }

    pub(super) fn write(self, out: &mut String) {
        match self {
            Self::Fixed(word) => out.push_str(word),
            // Writing to a `String` cannot fail.
            Self::Number(number) => drop(write!(out, "{number}")),
            Self::Principal(id) => {
                let parts = [SCHEME, id.trust_domain_name(), id.path()];
                clean(
                    parts.iter().flat_map(|part| part.chars()),
                    LONGEST_PRINCIPAL,
                    out,
                );
            }
            Self::Text("") => out.push_str(UNKNOWN),
            Self::Text(text) => clean(text.chars(), LONGEST, out),
        }
    }
}

const SCHEME: &str = "spiffe://";

/// Everything that a name, a host, a cloud's cluster id or a version may hold stays; every other character becomes one
/// `_`: controls, quotes, markup, and characters that look like others or turn the direction of the text.
fn clean(text: impl Iterator<Item = char>, longest: usize, out: &mut String) {
    out.extend(text.take(longest).map(|c| match c {
        '0'..='9' | 'A'..='Z' | 'a'..='z' => c,
        '.' | '_' | '-' | ':' | '/' | '@' | '+' | '=' | '~' | '*' | ',' | '%' => c,
        _ => '_',
    }));
}
