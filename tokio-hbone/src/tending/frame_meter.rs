/// Measures the small DATA frames (RFC 9113 section 6.1) and the trailers (8.1), and counts the header blocks (4.3), in what is
/// read from the peer.
///
/// It reads nothing but the heads of frames, and is never wrong about where they are: h2 closes the connection at the first
/// byte that is out of place.
///
/// It also makes a PUSH_PROMISE what it is at either side, a connection error: a client cannot push (8.4), and ours allows no
/// server to (6.6). h2 says so of a stream that is open, and is in doubt about one that we have reset: with debug assertions it
/// panics there. One for stream 0 is an error to it whatever has happened before, so that is what it is shown.
///
/// Specification: HBONE-Q-004.
#[derive(Debug, Default)]
pub(crate) struct FrameMeter {
    /// The start of a frame's head that came without its end.
    head: [u8; HEAD],
    has: usize,
    /// How much of a frame's payload, or of the client's preface, is still to come.
    skip: usize,
    has_begun: bool,
    /// How much memory the small frames may keep since it last said so, beside their own, and the trailers in all.
    kept: usize,
    heads: u64,
    /// The frame under way is the last of a header block.
    ends_head: bool,
    /// The last header block ends its stream.
    is_trailer: bool,
}

/// What small frames and trailers may keep between two rounds of putting them together. That is some 512 of the smallest, which h2 can keep by
/// its budget, too, with what one more read may bring.
const MOST_KEPT: usize = 4 << 20;
/// What h2 reads small frames into, many at a time. As long as one of them waits for its reader, it keeps all of that.
const BUFFER: usize = 8 << 10;
/// What one field may keep, however small it is. The table of HPACK lets it come in a single byte.
const FIELD: usize = 192;
const HEAD: usize = 9;
const PREFACE: usize = 24;
/// Where its type and the number of its stream are in a head.
const KIND: usize = 3;
const STREAM: usize = 5;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

impl FrameMeter {
    /// Looks at what has been read: `true` once small frames and trailers may keep [`MOST_KEPT`] that came since it last said so.
    pub(crate) fn see(&mut self, mut read: &mut [u8]) -> bool {
        if !self.has_begun && !read.is_empty() {
            self.has_begun = true;
            // A client begins with "PRI * HTTP/2.0"; a frame of that length does not exist.
            self.skip = if read.starts_with(b"P") { PREFACE } else { 0 };
        }
        while !read.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(read.len());
                self.skip -= skipped;
                read = &mut read[skipped..];
            } else {
                let (part, rest) = read.split_at_mut((HEAD - self.has).min(read.len()));
                let before = self.has;
                self.has += part.len();
                self.head[before..self.has].copy_from_slice(part);
                if self.has > STREAM && self.head[KIND] == PUSH_PROMISE {
                    part[STREAM.saturating_sub(before)..].fill(0);
                }
                read = rest;
                if self.has == HEAD {
                    self.has = 0;
                    self.begin_frame();
                }
            }
            if self.skip == 0 && std::mem::take(&mut self.ends_head) {
                self.heads += 1;
            }
        }
        let is_much = self.kept >= MOST_KEPT;
        if is_much {
            self.kept = 0;
        }
        is_much
    }

    /// How many header blocks have come whole.
    pub(crate) const fn heads(&self) -> u64 {
        self.heads
    }

    fn begin_frame(&mut self) {
        let [a, b, c, kind, flags, ..] = self.head;
        self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        match kind {
            DATA => self.kept += BUFFER.saturating_sub(self.skip),
            HEADERS | CONTINUATION => {
                self.ends_head = flags & END_HEADERS != 0;
                if kind == HEADERS {
                    self.is_trailer = flags & END_STREAM != 0;
                }
                if self.is_trailer {
                    self.kept = self.kept.saturating_add(self.skip.saturating_mul(FIELD));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BUFFER, FIELD, FrameMeter, MOST_KEPT};

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        frame_with(kind, 0, length)
    }

    fn frame_with(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let length_bytes = (length as u32).to_be_bytes();
        let mut frame = length_bytes[1..].to_vec();
        frame.extend([kind, flags, 0, 0, 0, 1]);
        frame.resize(9 + length, 0);
        frame
    }

    #[test]
    fn small_data_frames_are_counted_however_the_bytes_are_cut() {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend(frame(4, 12));
        for length in [0, 1, BUFFER - 1, BUFFER, 70_000] {
            bytes.extend(frame(0, length));
        }
        // A head of one frame, an empty one, one of three, and one that is not whole yet.
        for (kind, flags, length) in [(1, 4, 3), (1, 4, 0), (1, 0, 3), (9, 0, 0), (9, 4, 300)] {
            bytes.extend(frame_with(kind, flags, length));
        }
        // Trailers of one frame, and of two; behind them a head again.
        for (kind, flags, length) in [(1, 5, 3), (1, 1, 2), (9, 4, 5), (1, 4, 7)] {
            bytes.extend(frame_with(kind, flags, length));
        }
        bytes.extend(&frame_with(1, 4, 30)[..38]);
        for cut in [1, 2, 7, 9, 10, 24, 1000, usize::MAX] {
            let mut frames = FrameMeter::default();
            for part in bytes.chunks(cut.min(bytes.len())) {
                assert!(!frames.see(&mut part.to_vec()));
            }
            assert_eq!(
                (frames.kept, frames.heads()),
                (2 * BUFFER + 10 * FIELD, 6),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_push_promise_is_of_stream_0_however_it_is_cut_and_nothing_else_changes() {
        let pushed = [frame(0, 5), frame(5, 30), frame(5, 0), frame(1, 5)].concat();
        let mut shown = pushed.clone();
        shown[14 + 8] = 0;
        shown[14 + 39 + 8] = 0;
        for cut in 1..=pushed.len() {
            let mut frames = FrameMeter::default();
            let mut read = pushed.clone();
            for part in read.chunks_mut(cut) {
                frames.see(part);
            }
            assert_eq!(read, shown, "cut at {cut}");
        }
    }

    #[test]
    fn it_says_so_once_for_each_batch() {
        let mut frames = FrameMeter::default();
        let (mut settings, mut one) = (frame(4, 0), frame(0, 1));
        assert!(!frames.see(&mut settings));
        let batch = MOST_KEPT.div_ceil(BUFFER - 1);
        let said = (0..3 * batch).filter(|_| frames.see(&mut one)).count();
        assert_eq!(said, 3);
    }
}
