//! Protobuf and frames written by hand, so that tests do not share the encoder that they test.
#![allow(dead_code, reason = "each test file uses its own part")]

/// A length-delimited field.
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut len = content.len();
    while len >= 128 {
        bytes.push(u8::try_from(len % 128).unwrap() | 128);
        len /= 128;
    }
    bytes.push(u8::try_from(len).unwrap());
    bytes.extend_from_slice(content);
    bytes
}

pub(crate) fn in_any(url: &str, value: &[u8]) -> Vec<u8> {
    [field(1, url.as_bytes()), field(2, value)].concat()
}

/// One entry of a Struct, with an encoded Value.
pub(crate) fn entry(key: &str, value: &[u8]) -> Vec<u8> {
    field(1, &[field(1, key.as_bytes()), field(2, value)].concat())
}

/// A Value that is a string.
pub(crate) fn string(text: &str) -> Vec<u8> {
    field(3, text.as_bytes())
}

/// A Value that is a Struct.
pub(crate) fn structure(fields: &[u8]) -> Vec<u8> {
    field(5, fields)
}

/// A Struct in a Struct in a Struct.
pub(crate) fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(Vec::new(), |inner, _| entry("k", &structure(&inner)))
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}
