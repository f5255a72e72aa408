use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::hpack::block;

/// The types of frames (RFC 9113 section 6).
#[derive(Debug)]
pub(crate) enum Kind {}

impl Kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// The flags that have a name.
#[derive(Debug)]
pub(crate) enum Flags {}

impl Flags {
    pub(crate) const NONE: u8 = 0;
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
}

/// The settings that have a name (RFC 9113 section 6.5.2).
#[derive(Debug)]
pub(crate) enum Setting {}

impl Setting {
    pub(crate) const ENABLE_PUSH: u16 = 2;
    pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 6;
}

/// One frame (RFC 9113 section 4.1). Nothing here stops anybody from making a wrong one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Bytes,
}

impl Frame {
    pub(crate) fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Bytes>) -> Self {
        let payload = payload.into();
        Self {
            kind,
            flags,
            stream,
            payload,
        }
    }

    pub(crate) fn data(stream: u32, payload: impl Into<Bytes>) -> Self {
        Self::new(Kind::DATA, Flags::NONE, stream, payload)
    }

    pub(crate) fn last_data(stream: u32, payload: impl Into<Bytes>) -> Self {
        Self::new(Kind::DATA, Flags::END_STREAM, stream, payload)
    }

    /// A whole header block that leaves the stream open.
    pub(crate) fn headers(stream: u32, fields: &[(&str, &str)]) -> Self {
        Self::new(Kind::HEADERS, Flags::END_HEADERS, stream, block(fields))
    }

    /// A whole header block that ends the stream.
    pub(crate) fn last_headers(stream: u32, fields: &[(&str, &str)]) -> Self {
        let flags = Flags::END_HEADERS | Flags::END_STREAM;
        Self::new(Kind::HEADERS, flags, stream, block(fields))
    }

    /// A header block of any length, in as many frames of the least allowed size as it takes.
    pub(crate) fn headers_in_parts(stream: u32, block: &Bytes) -> Vec<Self> {
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

    pub(crate) fn reset(stream: u32, code: u32) -> Self {
        Self::new(
            Kind::RST_STREAM,
            Flags::NONE,
            stream,
            code.to_be_bytes().to_vec(),
        )
    }

    pub(crate) fn settings(settings: &[(u16, u32)]) -> Self {
        let mut payload = BytesMut::new();
        for (id, value) in settings {
            payload.put_u16(*id);
            payload.put_u32(*value);
        }
        Self::new(Kind::SETTINGS, Flags::NONE, 0, payload)
    }

    pub(crate) fn settings_ack() -> Self {
        Self::new(Kind::SETTINGS, Flags::ACK, 0, Bytes::new())
    }

    pub(crate) fn window_update(stream: u32, by: u32) -> Self {
        Self::new(
            Kind::WINDOW_UPDATE,
            Flags::NONE,
            stream,
            by.to_be_bytes().to_vec(),
        )
    }

    pub(crate) fn ping(payload: [u8; 8]) -> Self {
        Self::new(Kind::PING, Flags::NONE, 0, payload.to_vec())
    }

    pub(crate) fn go_away(last_stream: u32, code: u32) -> Self {
        let mut payload = BytesMut::new();
        payload.put_u32(last_stream);
        payload.put_u32(code);
        Self::new(Kind::GOAWAY, Flags::NONE, 0, payload)
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The error code of RST_STREAM or GOAWAY; a frame too short for one has none.
    pub(crate) fn code(&self) -> Option<u32> {
        let at = if self.kind == Kind::GOAWAY { 4 } else { 0 };
        Some(self.payload.get(at..at + 4)?.get_u32())
    }

    /// The figure of WINDOW_UPDATE, or the last stream of GOAWAY.
    pub(crate) fn figure(&self) -> Option<u32> {
        Some(self.payload.get(..4)?.get_u32() & 0x7fff_ffff)
    }

    /// The settings in it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u16, u32)> {
        self.payload
            .chunks_exact(6)
            .map(|mut entry| (entry.get_u16(), entry.get_u32()))
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
