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
                let mut left = LONGEST_PRINCIPAL;
                for part in [SCHEME, id.trust_domain_name(), id.path()] {
                    left = clean(part, left, out);
                }
            }
            Self::Text("") => out.push_str(UNKNOWN),
            Self::Text(text) => {
                clean(text, LONGEST, out);
            }
        }
    }
}

const SCHEME: &str = "spiffe://";

/// Appends at most `longest` characters of a text, and returns how many more there may be.
///
/// Everything that a name, a host, a cloud's cluster id or a version may hold stays; every other character becomes one
/// `_`: controls, quotes, markup, and characters that look like others or turn the direction of the text.
fn clean(text: &str, longest: usize, out: &mut String) -> usize {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..longest).unwrap_or(bytes);
    let kept = bytes.iter().take_while(|byte| is_kept(**byte)).count();
    // What is kept is ASCII, so that this is the edge of a character.
    let (clean, rest) = text.split_at_checked(kept).unwrap_or_default();
    out.push_str(clean);
    let mut left = longest - kept;
    for c in rest.chars().take(left) {
        let kept = u8::try_from(c).is_ok_and(is_kept);
        out.push(if kept { c } else { '_' });
        left -= 1;
    }
    left
}

const fn is_kept(byte: u8) -> bool {
    KEPT[byte as usize]
}

const KEPT: [bool; 256] = {
    let mut kept = [false; 256];
    let mut byte = 0;
    while byte < kept.len() {
        kept[byte] = byte < 128 && (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"._-:/@+=~*,%";
    let mut at = 0;
    while at < others.len() {
        kept[others[at] as usize] = true;
        at += 1;
    }
    kept
};
