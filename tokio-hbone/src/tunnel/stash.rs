use std::collections::VecDeque;
use std::fmt;

use bytes::{Bytes, BytesMut};

/// Bytes that came in small pieces, put together. Large pieces are left as they are.
pub(super) struct Stash {
    whole: VecDeque<Bytes>,
    /// What came last and can still grow.
    last: BytesMut,
}

/// How much is put together at most: what is read is free again, and does not wait for the rest.
const BLOCK: usize = 16 << 10;
/// From here on a piece is most of what it was read into. A smaller one may keep all of that, whatever became of its neighbours.
const LARGE: usize = 8 << 10;

impl Stash {
    pub(super) fn new() -> Self {
        Self {
            whole: VecDeque::new(),
            last: BytesMut::new(),
        }
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        let is_large = piece.len() >= LARGE;
        if is_large || self.last.len() + piece.len() > BLOCK {
            self.close();
        }
        if is_large {
            self.whole.push_back(piece);
        } else {
            self.last.extend_from_slice(&piece);
        }
    }

    /// What came first, and never an empty piece.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        if self.whole.is_empty() {
            if self.last.is_empty() {
                return None;
            }
            self.close();
        }
        let first = self.whole.pop_front();
        if self.whole.is_empty() {
            // Who is read again holds nothing.
            self.whole = VecDeque::new();
        }
        first
    }

    fn close(&mut self) {
        if !self.last.is_empty() {
            self.whole
                .push_back(std::mem::take(&mut self.last).freeze());
        }
    }
}

impl fmt::Debug for Stash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole: usize = self.whole.iter().map(Bytes::len).sum();
        write!(f, "{} bytes unread", whole + self.last.len())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::{BLOCK, LARGE, Stash};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_goes_in_comes_out_in_its_order(
            steps in prop::collection::vec((0usize..20_000, any::<bool>()), 0..100),
        ) {
            let (mut stash, mut pushed, mut popped) = (Stash::new(), Vec::new(), Vec::new());
            for (at, (length, pop)) in steps.into_iter().enumerate() {
                let piece = vec![at as u8; length];
                pushed.extend_from_slice(&piece);
                stash.push(Bytes::from(piece));
                if pop && let Some(first) = stash.pop() {
                    prop_assert!(!first.is_empty());
                    popped.extend_from_slice(&first);
                }
            }
            while let Some(first) = stash.pop() {
                prop_assert!(!first.is_empty());
                popped.extend_from_slice(&first);
            }
            prop_assert_eq!(pushed, popped);
            prop_assert_eq!(stash.whole.capacity() + stash.last.capacity(), 0);
        }
    }

    #[test]
    fn small_pieces_make_few_blocks_and_a_large_one_is_not_copied() {
        let mut stash = Stash::new();
        for _ in 0..BLOCK {
            stash.push(Bytes::from_static(b"x"));
        }
        let large = Bytes::from(vec![1; LARGE]);
        stash.push(large.clone());
        assert_eq!(stash.pop().map(|block| block.len()), Some(BLOCK));
        let out = stash.pop().expect("the large one");
        assert_eq!(out.as_ptr(), large.as_ptr());
        assert_eq!(stash.pop(), None);
    }
}
