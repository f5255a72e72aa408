use alloc::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use crate::cursor::Cursor;

/// Decodes once. A `%` without two hexadecimal digits stays, and what is not UTF-8 becomes U+FFFD, one for
/// each maximal subpart.
///
/// Specification: HBONE-B-004.
pub(crate) fn decode(value: &[u8]) -> Cow<'_, str> {
    percent_decode(value).decode_utf8_lossy()
}

/// Whether encoding changes nothing.
pub(crate) fn is_plain(value: &str) -> bool {
    let mut cursor = Cursor::new(value.as_bytes());
    cursor.unescaped();
    cursor.left() == 0
}

/// How long `value` is once encoded.
pub(crate) fn encoded_len(value: &str) -> usize {
    chunks(value).map(str::len).fold(0, usize::saturating_add)
}

/// The pieces of `value` percent-encoded, with upper-case digits, where it must be.
pub(crate) fn chunks(value: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(value, &ESCAPED)
}

/// The offset of the first `%` that is not followed by two hexadecimal digits.
pub(crate) fn first_bare(value: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = value.get(from..)?;
        let percent = from + rest.iter().position(|&byte| byte == b'%')?;
        match value.get(percent + 1..) {
            Some([high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                from = percent + 3
            }
            _ => return Some(percent),
        }
    }
}

/// How many `%` are not followed by two hexadecimal digits.
pub(crate) fn count_bare(mut value: &[u8]) -> usize {
    let mut count = 0;
    while let Some(rest) = first_bare(value).and_then(|at| value.get(at + 1..)) {
        count += 1;
        value = rest;
    }
    count
}

/// The pieces of an encoded text with each bare `%` spelled `%25`, as a sender must.
pub(crate) fn escape_bare(mut encoded: &str) -> impl Iterator<Item = &str> {
    let mut bare = false;
    core::iter::from_fn(move || {
        if core::mem::take(&mut bare) {
            return Some("%25");
        }
        if encoded.is_empty() {
            return None;
        }
        let (piece, rest) =
            match first_bare(encoded.as_bytes()).and_then(|at| encoded.split_at_checked(at)) {
                Some((piece, rest)) => (piece, rest.strip_prefix('%')),
                None => (encoded, None),
            };
        bare = rest.is_some();
        encoded = rest.unwrap_or_default();
        Some(piece)
    })
}

/// Outside baggage-octet, `%` itself, and `=`: allowed raw, but peers that split at every `=` lose what
/// follows it.
const ESCAPED: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b',')
    .add(b';')
    .add(b'=')
    .add(b'\\');
