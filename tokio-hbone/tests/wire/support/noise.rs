//! Bytes that look random and are the same each time.

/// A stream of them (xorshift), by its seed. How it is cut makes no difference to it.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    state: u64,
    word: [u8; 8],
    used: usize,
}

impl Noise {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            word: [0; 8],
            used: 8,
        }
    }

    /// The next bytes.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.used == 8 {
                self.word = self.next().to_le_bytes();
                self.used = 0;
            }
            let some = rest.len().min(8 - self.used);
            let (now, later) = rest.split_at_mut(some);
            now.copy_from_slice(&self.word[self.used..self.used + some]);
            self.used += some;
            rest = later;
        }
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A seed of another stream.
    pub(crate) fn seed(&mut self) -> u64 {
        self.next() >> 8
    }

    /// Another stream.
    pub(crate) fn split_off(&mut self) -> Self {
        Self::new(self.seed())
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}
