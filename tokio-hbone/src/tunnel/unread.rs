use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// What a reader has taken from its tunnel and not read yet: the chunk that it is at, and large ones that had come behind it.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    first: Bytes,
    behind: VecDeque<Bytes>,
}

impl Unread {
    /// As many chunks are written with one call.
    pub(crate) const MOST: usize = 8;
    /// A smaller chunk may keep a buffer of more than its size; no more than one of those is held.
    const LARGE: usize = 8 << 10;

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// Whether it is worth the while, and cheap, to hold another chunk.
    pub(super) fn has_room(&self) -> bool {
        let last = self.behind.back().unwrap_or(&self.first);
        last.len() >= Self::LARGE && self.behind.len() + 1 < Self::MOST
    }

    /// Puts `chunk` behind the others.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
        } else {
            self.behind.push_back(chunk);
        }
    }

    /// The chunk that the reader is at, and as one that comes next the one behind it.
    pub(super) fn take(&mut self) -> Bytes {
        let next = self.behind.pop_front().unwrap_or_default();
        std::mem::replace(&mut self.first, next)
    }

    /// The first `some` bytes are read. Returns how many there were of them.
    pub(super) fn advance(&mut self, some: usize) -> usize {
        let mut left = some;
        while left >= self.first.len() && !self.first.is_empty() {
            left -= self.take().len();
        }
        let rest = left.min(self.first.len());
        self.first.advance(rest);
        some - (left - rest)
    }

    /// The reader waits: nothing is kept for the next burst.
    pub(super) fn rest(&mut self) {
        if self.behind.capacity() > 0 {
            self.behind = VecDeque::new();
        }
    }

    /// The bytes of the chunk that the reader is at.
    pub(crate) fn first(&self) -> &[u8] {
        &self.first
    }

    /// All chunks, for a write of several at once.
    pub(crate) fn slices(&self) -> ([IoSlice<'_>; Self::MOST], usize) {
        let mut slices = [IoSlice::new(&[]); Self::MOST];
        let chunks = std::iter::once(&self.first).chain(&self.behind);
        let mut count = 0;
        for (slice, chunk) in slices.iter_mut().zip(chunks) {
            *slice = IoSlice::new(chunk);
            count += 1;
        }
        (slices, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large(byte: u8) -> Bytes {
        Bytes::from(vec![byte; Unread::LARGE])
    }

    #[test]
    fn what_is_read_goes_on_over_the_end_of_a_chunk() {
        let mut unread = Unread::default();
        unread.push(Bytes::from_static(b"abc"));
        unread.push(Bytes::from_static(b"defg"));
        unread.push(Bytes::from_static(b"h"));
        assert_eq!(unread.advance(2), 2);
        assert_eq!(unread.first(), b"c");
        assert_eq!(unread.advance(3), 3);
        assert_eq!(unread.first(), b"fg");
        let (slices, count) = unread.slices();
        let shown: Vec<&[u8]> = slices[..count].iter().map(|slice| &**slice).collect();
        assert_eq!(shown, [b"fg".as_slice(), b"h"]);
        // More than there is.
        assert_eq!(unread.advance(9), 3);
        assert!(unread.is_empty());
    }

    #[test]
    fn so_many_large_chunks_are_held_and_one_small_one() {
        let mut unread = Unread::default();
        assert!(!unread.has_room());
        for byte in 1..=7 {
            unread.push(large(byte));
            assert!(unread.has_room(), "behind {byte}");
        }
        unread.push(large(8));
        assert!(!unread.has_room());
        assert_eq!(unread.take()[0], 1);
        unread.push(Bytes::from_static(b"small"));
        unread.take();
        assert!(!unread.has_room());
    }
}
