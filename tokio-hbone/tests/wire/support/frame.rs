//! Frames of HTTP/2 as bytes (RFC 9113 section 4.1). Nothing here stops anybody from writing nonsense.

use bytes::{Buf, BufMut, Bytes, BytesMut};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(crate) const PADDED: u8 = 0x8;

pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(crate) const MAX_FRAME_SIZE: u16 = 5;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Bytes,
}

impl Frame {
    pub(crate) fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Bytes>) -> Self {
        Self {
            kind,
            flags,
            stream,
            payload: payload.into(),
        }
    }

    pub(crate) fn data(stream: u32, payload: impl Into<Bytes>) -> Self {
        Self::new(DATA, 0, stream, payload)
    }

    pub(crate) fn last_data(stream: u32, payload: impl Into<Bytes>) -> Self {
        Self::new(DATA, END_STREAM, stream, payload)
    }

    pub(crate) fn padded_data(stream: u32, payload: &[u8], padding: u8) -> Self {
        let mut padded = vec![padding];
        padded.extend_from_slice(payload);
        padded.resize(padded.len() + usize::from(padding), 0);
        Self::new(DATA, PADDED, stream, padded)
    }

    /// A whole header block that leaves the stream open.
    pub(crate) fn headers(stream: u32, fields: &[(&str, &str)]) -> Self {
        Self::new(HEADERS, END_HEADERS, stream, block(fields))
    }

    /// A whole header block that ends the stream.
    pub(crate) fn last_headers(stream: u32, fields: &[(&str, &str)]) -> Self {
        Self::new(HEADERS, END_HEADERS | END_STREAM, stream, block(fields))
    }

    /// A header block in frames of the default size: HEADERS and CONTINUATION. The stream is left open.
    pub(crate) fn headers_in_parts(stream: u32, fields: &[(&str, &str)]) -> Vec<Self> {
        let block = block(fields);
        let parts = block.chunks(1 << 14);
        let mut parts: Vec<_> = parts
            .map(|part| Self::new(CONTINUATION, 0, stream, part.to_vec()))
            .collect();
        parts[0].kind = HEADERS;
        let last = parts.len() - 1;
        parts[last].flags = END_HEADERS;
        parts
    }

    pub(crate) fn reset(stream: u32, reason: u32) -> Self {
        Self::new(RST_STREAM, 0, stream, reason.to_be_bytes().to_vec())
    }

    pub(crate) fn settings(settings: &[(u16, u32)]) -> Self {
        let mut payload = BytesMut::new();
        for (id, value) in settings {
            payload.put_u16(*id);
            payload.put_u32(*value);
        }
        Self::new(SETTINGS, 0, 0, payload)
    }

    pub(crate) fn window_update(stream: u32, by: u32) -> Self {
        Self::new(WINDOW_UPDATE, 0, stream, by.to_be_bytes().to_vec())
    }

    pub(crate) fn ping() -> Self {
        Self::new(PING, 0, 0, &b"are you?"[..])
    }

    pub(crate) fn go_away(last_stream: u32, reason: u32) -> Self {
        let mut payload = BytesMut::new();
        payload.put_u32(last_stream);
        payload.put_u32(reason);
        Self::new(GOAWAY, 0, 0, payload)
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The error code of RST_STREAM or GOAWAY.
    pub(crate) fn reason(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        (&self.payload[at..]).get_u32()
    }

    /// The figure in WINDOW_UPDATE.
    pub(crate) fn increment(&self) -> u32 {
        (&self.payload[..]).get_u32()
    }

    /// The last stream id of GOAWAY.
    pub(crate) fn last_stream(&self) -> u32 {
        (&self.payload[..]).get_u32()
    }

    pub(crate) fn write(&self, to: &mut BytesMut) {
        to.put_uint(self.payload.len() as u64, 3);
        to.put_u8(self.kind);
        to.put_u8(self.flags);
        to.put_u32(self.stream);
        to.put_slice(&self.payload);
    }

    /// Takes a frame off the front, if it is whole.
    pub(crate) fn read(from: &mut BytesMut) -> Option<Self> {
        let length = from.get(..3)?.get_uint(3) as usize;
        if from.len() < 9 + length {
            return None;
        }
        from.advance(3);
        let (kind, flags, stream) = (from.get_u8(), from.get_u8(), from.get_u32());
        let payload = from.split_to(length).freeze();
        Some(Self {
            kind,
            flags,
            stream,
            payload,
        })
    }
}

/// A header block of literals that no table keeps (RFC 7541 section 6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Bytes {
    let mut block = BytesMut::new();
    for (name, value) in fields {
        block.put_u8(0);
        text(name, &mut block);
        text(value, &mut block);
    }
    block.freeze()
}

fn text(text: &str, block: &mut BytesMut) {
    // An integer with a prefix of seven bits (RFC 7541 section 5.1), and no Huffman code.
    let mut rest = text.len();
    if rest < 127 {
        block.put_u8(rest as u8);
    } else {
        block.put_u8(127);
        rest -= 127;
        while rest >= 128 {
            block.put_u8((rest % 128) as u8 | 128);
            rest /= 128;
        }
        block.put_u8(rest as u8);
    }
    block.put_slice(text.as_bytes());
}
