use anyhow::{Result, anyhow, bail};
use loona_hpack::Encoder;

use super::Head;
use super::block::{Blocks, encode};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADER: usize = 9;
/// What a frame holds unless its receiver allows more (RFC 9113 section 4.2).
const MAX_FRAME: usize = 16 * 1024;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// Reads the heads out of the frames of one direction of a connection.
pub(super) fn parse(input: &[u8]) -> Result<Vec<Head>> {
    let mut rest = Rest::new(input);
    let mut blocks = Blocks::default();
    let mut heads = Vec::new();
    while let Some(frame) = rest.next()? {
        match frame.kind {
            HEADERS => {
                let (offset, stream, end) =
                    (frame.offset, frame.stream, frame.flags & END_STREAM != 0);
                let block = rest.whole_block(frame)?;
                let fields = blocks.read(block).map_err(|bad| {
                    anyhow!(
                        "the head at byte {offset}: byte {} of its block: {}",
                        bad.offset,
                        bad.reason
                    )
                })?;
                heads.push(Head {
                    fields,
                    stream: Some((stream, end)),
                });
            }
            CONTINUATION => bail!(
                "byte {}: a CONTINUATION without HEADERS; begin at the HEADERS",
                frame.offset
            ),
            // What it holds would have to be read to understand the blocks that follow.
            PUSH_PROMISE => bail!(
                "byte {}: a PUSH_PROMISE, which no HBONE server sends",
                frame.offset
            ),
            _ => {}
        }
    }
    Ok(heads)
}

/// Writes a HEADERS frame a head, with the CONTINUATIONs that it needs.
pub(super) fn write(heads: &[Head]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let mut out = Vec::new();
    for head in heads {
        let (stream, end_stream) = head.stream.unwrap_or((1, false));
        let block = encode(&mut encoder, head);
        let mut parts = block.chunks(MAX_FRAME).peekable();
        let mut kind = HEADERS;
        while let Some(part) = parts.next() {
            let mut flags = if kind == HEADERS && end_stream {
                END_STREAM
            } else {
                0
            };
            if parts.peek().is_none() {
                flags |= END_HEADERS;
            }
            // A part is no longer than MAX_FRAME, which takes two of the three bytes.
            let len = u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes();
            out.extend_from_slice(&[0, len[0], len[1], kind, flags]);
            out.extend_from_slice(&stream.to_be_bytes());
            out.extend_from_slice(part);
            kind = CONTINUATION;
        }
    }
    out
}

#[derive(Debug)]
struct Frame<'a> {
    offset: usize,
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &'a [u8],
}

/// What of the input is not read yet.
#[derive(Debug)]
struct Rest<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Rest<'a> {
    fn new(input: &'a [u8]) -> Self {
        let bytes = input.strip_prefix(PREFACE).unwrap_or(input);
        Self {
            bytes,
            offset: input.len() - bytes.len(),
        }
    }

    fn next(&mut self) -> Result<Option<Frame<'a>>> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let offset = self.offset;
        let Some((&[a, b, c, kind, flags, d, e, f, g], rest)) =
            self.bytes.split_first_chunk::<HEADER>()
        else {
            bail!(
                "byte {offset}: {} bytes are left, less than the 9 of a frame's header; give whole frames",
                self.bytes.len()
            );
        };
        let len = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        // DATA at the end of a capture may be cut: nothing in it is read.
        let Some((payload, rest)) = rest
            .split_at_checked(len)
            .or_else(|| (kind == DATA).then_some((rest, &[])))
        else {
            bail!(
                "byte {offset}: a frame of type {kind} and {len} bytes, of which {} are there; give whole frames, or --form block for a bare header block",
                rest.len()
            );
        };
        self.bytes = rest;
        self.offset += HEADER + payload.len();
        Ok(Some(Frame {
            offset,
            kind,
            flags,
            stream: u32::from_be_bytes([d, e, f, g]) & 0x7fff_ffff,
            payload,
        }))
    }

    /// The block that a HEADERS frame begins.
    fn whole_block(&mut self, headers: Frame<'a>) -> Result<Vec<u8>> {
        let mut block = fragment(&headers)?.to_vec();
        let mut ended = headers.flags & END_HEADERS != 0;
        while !ended {
            let Some(next) = self.next()? else {
                bail!(
                    "the head at byte {} is not ended; give the CONTINUATIONs, too",
                    headers.offset
                );
            };
            if next.kind != CONTINUATION || next.stream != headers.stream {
                bail!(
                    "byte {}: a frame of type {} on stream {} within the head of stream {}",
                    next.offset,
                    next.kind,
                    next.stream,
                    headers.stream
                );
            }
            block.extend_from_slice(next.payload);
            ended = next.flags & END_HEADERS != 0;
        }
        Ok(block)
    }
}

/// The payload of HEADERS without padding and priority (RFC 9113 section 6.2).
fn fragment<'a>(frame: &Frame<'a>) -> Result<&'a [u8]> {
    let too_short = || {
        anyhow!(
            "byte {}: HEADERS are shorter than their padding and priority",
            frame.offset
        )
    };
    let mut payload = frame.payload;
    if frame.flags & PADDED != 0 {
        let (&padding, rest) = payload.split_first().ok_or_else(too_short)?;
        let len = rest
            .len()
            .checked_sub(usize::from(padding))
            .ok_or_else(too_short)?;
        payload = rest.get(..len).ok_or_else(too_short)?;
    }
    if frame.flags & PRIORITY != 0 {
        payload = payload.get(5..).ok_or_else(too_short)?;
    }
    Ok(payload)
}
