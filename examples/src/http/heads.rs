use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection of HTTP/2 on which the heads of requests are counted as they come: those that break the rules of HTTP/2 are refused before
/// anybody else sees them.
#[derive(Debug)]
pub(super) struct Counting<IO> {
    io: IO,
    scan: Scan,
    heads: Heads,
}

/// How many heads of requests have come whole, and what has become of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Heads(Arc<State>);

#[derive(Debug, Default)]
struct State {
    count: AtomicU64,
    /// Of these, how many became requests, and how many are known to have become none.
    asked: AtomicU64,
    refused: AtomicU64,
    /// Whether whoever reads has read all that there is, and so has looked at what came before.
    is_drained: AtomicBool,
}

/// Where in the frames (RFC 9113 section 4.1) what has come ends.
#[derive(Debug)]
struct Scan {
    /// What has come of the header of a frame.
    header: [u8; HEADER],
    have: usize,
    /// What is left of the preface, or of the payload of a frame.
    skip: usize,
    newest: u32,
    /// Whether the block of fields that is coming is the head of a request.
    is_head: bool,
    /// Whether it ends with this frame.
    is_last: bool,
}

const PREFACE: usize = 24;
const HEADER: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

impl<IO> Counting<IO> {
    pub(super) fn new(io: IO, heads: Heads) -> Self {
        Self {
            io,
            scan: Scan::default(),
            heads,
        }
    }
}

impl Heads {
    /// One became a request.
    pub(super) fn handle_request(&self) {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have been refused since this was asked last. It may only be asked while nothing is left to be done about what has come.
    pub(super) fn refused(&self) -> u64 {
        let state = &self.0;
        if !state.is_drained.load(Ordering::Relaxed) {
            return 0;
        }
        let asked = state.asked.load(Ordering::Relaxed);
        let refused = state.count.load(Ordering::Relaxed).saturating_sub(asked);
        let known = state.refused.fetch_max(refused, Ordering::Relaxed);
        refused.saturating_sub(known)
    }
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            header: [0; HEADER],
            have: 0,
            skip: PREFACE,
            newest: 0,
            is_head: false,
            is_last: false,
        }
    }
}

impl Scan {
    /// How many heads end in these bytes.
    fn heads(&mut self, mut bytes: &[u8]) -> u64 {
        let mut heads = 0;
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
            } else if let Some((octet, rest)) = bytes.split_first() {
                if let Some(next) = self.header.get_mut(self.have) {
                    *next = *octet;
                }
                self.have += 1;
                bytes = rest;
                if self.have == HEADER {
                    self.have = 0;
                    self.begin();
                }
            }
            if self.skip == 0 && std::mem::take(&mut self.is_last) {
                self.is_head = false;
                heads += 1;
            }
        }
        heads
    }

    /// A frame begins.
    fn begin(&mut self) {
        let [a, b, c, kind, flags, id @ ..] = self.header;
        self.skip = u32::from_be_bytes([0, a, b, c]) as usize;
        let stream = u32::from_be_bytes(id) & 0x7fff_ffff;
        match kind {
            // Another one of the same stream has trailers.
            HEADERS => {
                self.is_head = stream > self.newest;
                self.newest = self.newest.max(stream);
            }
            CONTINUATION => {}
            _ => return,
        }
        self.is_last = self.is_head && flags & END_HEADERS != 0;
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Counting<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        let read = buf.filled().get(before..).unwrap_or_default();
        let heads = self.scan.heads(read);
        let state = &self.heads.0;
        state.count.fetch_add(heads, Ordering::Relaxed);
        let is_drained = read.is_empty();
        state.is_drained.store(is_drained, Ordering::Relaxed);
        polled
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Counting<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, length: usize) -> Vec<u8> {
        let mut frame = u32::try_from(length).expect("short").to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.resize(HEADER + length, b'x');
        frame
    }

    #[test]
    fn heads_are_counted_when_they_have_come_whole_however_they_come() {
        let frames = [
            (vec![b'p'; PREFACE], 0),
            (frame(4, 0, 0, 12), 0),
            (frame(HEADERS, END_HEADERS, 1, 40), 1),
            (frame(0, 0, 1, 9), 0),
            // Trailers.
            (frame(HEADERS, END_HEADERS | 1, 1, 5), 0),
            (frame(HEADERS, 1, 3, 5), 0),
            (frame(CONTINUATION, 0, 3, 0), 0),
            (frame(CONTINUATION, END_HEADERS, 3, 7), 1),
            (frame(HEADERS, END_HEADERS, 0x8000_0005, 0), 1),
            // Behind nothing.
            (frame(CONTINUATION, END_HEADERS, 3, 7), 0),
            (frame(6, 0, 0, 8), 0),
        ];
        let mut scan = Scan::default();
        for (bytes, heads) in &frames {
            assert_eq!(scan.heads(bytes), *heads, "{}", bytes.escape_ascii());
        }
        for pieces in [1, 2, 7, 50] {
            let mut scan = Scan::default();
            let all: Vec<u8> = frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
            let count: u64 = all.chunks(pieces).map(|piece| scan.heads(piece)).sum();
            assert_eq!(count, 3, "{pieces}");
        }
    }

    #[test]
    fn what_has_become_no_request_when_all_was_looked_at_was_refused() {
        let heads = Heads::default();
        heads.0.count.store(3, Ordering::Relaxed);
        heads.handle_request();
        assert_eq!(heads.refused(), 0, "there may be more to look at");
        heads.0.is_drained.store(true, Ordering::Relaxed);
        assert_eq!(heads.refused(), 2);
        assert_eq!(heads.refused(), 0, "once");
        heads.0.count.store(5, Ordering::Relaxed);
        heads.handle_request();
        assert_eq!(heads.refused(), 1);
    }
}
