//! Bytes that look random and are the same each time, so that one that is lost, doubled or moved shows.

use std::io::{self, Read};

/// A stream of them (xorshift), by its seed.
pub(crate) struct Noise {
    state: u64,
    left: u64,
    word: [u8; 8],
    used: usize,
}

impl Noise {
    pub(crate) fn new(seed: u64, length: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            left: length,
            word: [0; 8],
            used: 8,
        }
    }

    fn next(&mut self) -> u8 {
        if self.used == 8 {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            self.word = self.state.to_le_bytes();
            self.used = 0;
        }
        self.used += 1;
        self.word[self.used - 1]
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let some = buffer
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        buffer[..some].fill_with(|| self.next());
        self.left -= some as u64;
        Ok(some)
    }
}

/// Reads all that `from` has, which must be this noise and then `last`.
#[track_caller]
pub(crate) fn assert_noise(from: &mut impl Read, mut noise: Noise, last: &[u8]) {
    let mut at = 0;
    let mut end = Vec::new();
    let mut came = vec![0; 64 << 10];
    let mut wanted = vec![0; 64 << 10];
    loop {
        let some = from.read(&mut came).expect("no error before the end");
        if some == 0 {
            break;
        }
        let part = (noise.left as usize).min(some);
        noise.read_exact(&mut wanted[..part]).expect("noise");
        assert!(came[..part] == wanted[..part], "wrong bytes after {at}");
        end.extend_from_slice(&came[part..some]);
        at += some;
    }
    assert_eq!((noise.left, end.as_slice()), (0, last), "after {at} bytes");
}
