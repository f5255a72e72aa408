use alloc::borrow::Cow;
use alloc::string::String;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

/// Decodes once. A `%` without two hexadecimal digits stays, and what is not UTF-8 becomes U+FFFD, one for each maximal subpart.
pub(crate) fn decode(value: &[u8]) -> Cow<'_, str> {
    percent_decode(value).decode_utf8_lossy()
}

/// Appends `value`, percent-encoded with upper-case digits where it must be.
pub(crate) fn encode(value: &str, out: &mut String) {
    out.extend(utf8_percent_encode(value, &ESCAPED));
}

/// The offset of the first `%` that is not followed by two hexadecimal digits.
pub(crate) fn first_bare(value: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = value.get(from..)?;
        let percent = rest.iter().position(|&byte| byte == b'%')?;
        match rest.get(percent + 1..) {
            Some([high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                from += percent + 3
            }
            _ => return Some(from + percent),
        }
    }
}

/// Outside baggage-octet, `%` itself, and `=`: allowed raw, but peers that split at every `=` lose what follows it.
const ESCAPED: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b',')
    .add(b';')
    .add(b'=')
    .add(b'\\');
