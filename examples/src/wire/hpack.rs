use bytes::{BufMut, Bytes, BytesMut};

/// A header block of literals that no table keeps (RFC 7541 section 6.2.2).
#[must_use]
pub fn block(fields: &[(&str, &str)]) -> Bytes {
    let mut block = BytesMut::new();
    for (name, value) in fields {
        field(&mut block, name.as_bytes(), value.as_bytes());
    }
    block.freeze()
}

/// One such literal, of any octets.
pub fn field(block: &mut BytesMut, name: &[u8], value: &[u8]) {
    block.put_u8(0);
    string(block, name);
    string(block, value);
}

/// A string without Huffman code: its length as an integer with a prefix of seven bits (RFC 7541 sections 5.1 and 5.2).
fn string(block: &mut BytesMut, octets: &[u8]) {
    const PREFIX: usize = 127;
    if octets.len() < PREFIX {
        block.put_u8(octets.len() as u8);
    } else {
        block.put_u8(PREFIX as u8);
        let mut rest = octets.len() - PREFIX;
        while rest >= 128 {
            block.put_u8((rest % 128) as u8 | 128);
            rest /= 128;
        }
        block.put_u8(rest as u8);
    }
    block.put_slice(octets);
}
