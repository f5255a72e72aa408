use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::hpack::block;

/// The types of frames (RFC 9113 section 6).
#[derive(Debug)]
pub enum Kind {}

impl Kind {
    /// Section 6.1: bytes of a tunnel.
    pub const DATA: u8 = 0;
    /// Section 6.2: the beginning of a field section.
    pub const HEADERS: u8 = 1;
    /// Section 6.3: obsolete, and ignored.
    pub const PRIORITY: u8 = 2;
    /// Section 6.4: the abrupt end of a stream.
    pub const RST_STREAM: u8 = 3;
    /// Section 6.5: what a side is like.
    pub const SETTINGS: u8 = 4;
    /// Section 6.6: never allowed in HBONE.
    pub const PUSH_PROMISE: u8 = 5;
    /// Section 6.7: a question that wants an answer.
    pub const PING: u8 = 6;
    /// Section 6.8: no further streams.
    pub const GOAWAY: u8 = 7;
    /// Section 6.9: room for more bytes.
    pub const WINDOW_UPDATE: u8 = 8;
    /// Section 6.10: more of a field section.
    pub const CONTINUATION: u8 = 9;
}

/// The flags that have a name.
#[derive(Debug)]
pub enum Flags {}

impl Flags {
    /// None at all.
    pub const NONE: u8 = 0;
    /// Of SETTINGS and PING: the answer to one.
    pub const ACK: u8 = 0x1;
    /// Of DATA and HEADERS: the last of its half.
    pub const END_STREAM: u8 = 0x1;
    /// Of HEADERS and CONTINUATION: the field section is whole.
    pub const END_HEADERS: u8 = 0x4;
    /// Of DATA and HEADERS: padding follows.
    pub const PADDED: u8 = 0x8;
}

/// The settings that have a name (RFC 9113 section 6.5.2).
#[derive(Debug)]
pub enum Setting {}

impl Setting {
    /// Whether PUSH_PROMISE may be sent.
    pub const ENABLE_PUSH: u16 = 2;
    /// How many streams the other side may have open.
    pub const MAX_CONCURRENT_STREAMS: u16 = 3;
    /// The window of a new stream, in octets.
    pub const INITIAL_WINDOW_SIZE: u16 = 4;
    /// How long a field section may be, in octets.
    pub const MAX_HEADER_LIST_SIZE: u16 = 6;
}

/// One frame (RFC 9113 section 4.1). Nothing here stops anybody from making a wrong one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// One of [`Kind`], or any other.
    pub kind: u8,
    /// Those of [`Flags`] that are set, and any others.
    pub flags: u8,
    /// 0 is the connection.
    pub stream: u32,
    /// Without the nine octets before it.
    pub payload: Bytes,
}

impl Frame {
    /// Any frame.
    #[must_use]
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Bytes>) -> Self {
        let payload = payload.into();
        Self {
            kind,
            flags,
            stream,
            payload,
        }
    }

    /// DATA that leaves the stream open.
    #[must_use]
    pub fn data(stream: u32, payload: impl Into<Bytes>) -> Self {
        Self::new(Kind::DATA, Flags::NONE, stream, payload)
    }

    /// DATA that ends the stream.
    #[must_use]
    pub fn last_data(stream: u32, payload: impl Into<Bytes>) -> Self {
        Self::new(Kind::DATA, Flags::END_STREAM, stream, payload)
    }

    /// A whole header block that leaves the stream open.
    #[must_use]
    pub fn headers(stream: u32, fields: &[(&str, &str)]) -> Self {
        Self::new(Kind::HEADERS, Flags::END_HEADERS, stream, block(fields))
    }

    /// A whole header block that ends the stream.
    #[must_use]
    pub fn last_headers(stream: u32, fields: &[(&str, &str)]) -> Self {
        let flags = Flags::END_HEADERS | Flags::END_STREAM;
        Self::new(Kind::HEADERS, flags, stream, block(fields))
    }

    /// A header block of any length, in as many frames of the least allowed size as it takes.
    #[must_use]
    pub fn headers_in_parts(stream: u32, block: &Bytes) -> Vec<Self> {
        const PART: usize = 16_384;
        let count = block.len().div_ceil(PART).max(1);
        (0..count)
            .map(|nth| {
                let part = block.slice(nth * PART..block.len().min((nth + 1) * PART));
                let kind = if nth == 0 {
                    Kind::HEADERS
                } else {
                    Kind::CONTINUATION
                };
                let flags = if nth + 1 == count {
                    Flags::END_HEADERS
                } else {
                    Flags::NONE
                };
                Self::new(kind, flags, stream, part)
            })
            .collect()
    }

    /// RST_STREAM with an error code.
    #[must_use]
    pub fn reset(stream: u32, code: u32) -> Self {
        Self::new(
            Kind::RST_STREAM,
            Flags::NONE,
            stream,
            code.to_be_bytes().to_vec(),
        )
    }

    /// SETTINGS: identifiers and values.
    #[must_use]
    pub fn settings(settings: &[(u16, u32)]) -> Self {
        let mut payload = BytesMut::new();
        for (id, value) in settings {
            payload.put_u16(*id);
            payload.put_u32(*value);
        }
        Self::new(Kind::SETTINGS, Flags::NONE, 0, payload)
    }

    /// The acknowledgement of SETTINGS.
    #[must_use]
    pub fn settings_ack() -> Self {
        Self::new(Kind::SETTINGS, Flags::ACK, 0, Bytes::new())
    }

    /// WINDOW_UPDATE; a stream of 0 is the connection.
    #[must_use]
    pub fn window_update(stream: u32, by: u32) -> Self {
        Self::new(
            Kind::WINDOW_UPDATE,
            Flags::NONE,
            stream,
            by.to_be_bytes().to_vec(),
        )
    }

    /// PING that wants an answer.
    #[must_use]
    pub fn ping(payload: [u8; 8]) -> Self {
        Self::new(Kind::PING, Flags::NONE, 0, payload.to_vec())
    }

    /// GOAWAY with the last stream that was taken, and an error code.
    #[must_use]
    pub fn go_away(last_stream: u32, code: u32) -> Self {
        let mut payload = BytesMut::new();
        payload.put_u32(last_stream);
        payload.put_u32(code);
        Self::new(Kind::GOAWAY, Flags::NONE, 0, payload)
    }

    /// Whether a flag is set.
    #[must_use]
    pub const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The error code of RST_STREAM or GOAWAY; a frame too short for one has none.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        let at = if self.kind == Kind::GOAWAY { 4 } else { 0 };
        Some(self.payload.get(at..at + 4)?.get_u32())
    }

    /// The figure of WINDOW_UPDATE, or the last stream of GOAWAY.
    #[must_use]
    pub fn figure(&self) -> Option<u32> {
        Some(self.payload.get(..4)?.get_u32() & 0x7fff_ffff)
    }

    /// The settings in it.
    pub fn entries(&self) -> impl Iterator<Item = (u16, u32)> {
        self.payload
            .chunks_exact(6)
            .map(|mut entry| (entry.get_u16(), entry.get_u32()))
    }

    /// Appends it as it goes over the wire.
    pub fn write(&self, to: &mut BytesMut) {
        to.put_uint(self.payload.len() as u64, 3);
        to.put_u8(self.kind);
        to.put_u8(self.flags);
        to.put_u32(self.stream);
        to.put_slice(&self.payload);
    }

    /// Takes a frame off the front, if it is whole.
    pub fn read(from: &mut BytesMut) -> Option<Self> {
        let length = usize::try_from(from.get(..3)?.get_uint(3)).ok()?;
        if from.len() < 9 + length {
            return None;
        }
        from.advance(3);
        let (kind, flags, stream) = (from.get_u8(), from.get_u8(), from.get_u32());
        Some(Self {
            kind,
            flags,
            stream: stream & 0x7fff_ffff,
            payload: from.split_to(length).freeze(),
        })
    }
}
