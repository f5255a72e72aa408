/// The bytes of one direction of one tunnel: each follows from where it stands, so that the far end can check them without
/// having kept any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern(u64);

/// The two directions of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the caller to the application.
    Up,
    /// From the application to the caller.
    Down,
}

impl Pattern {
    pub(crate) const fn new(tunnel: u64, direction: Direction) -> Self {
        Self(mix(tunnel) ^ direction as u64)
    }

    /// Writes the bytes that stand from `position` on.
    pub(crate) fn fill(self, position: u64, bytes: &mut [u8]) {
        self.each_part(position, bytes.len(), |range, expected| {
            bytes[range].copy_from_slice(expected);
        });
    }

    /// Where the first byte stands that is not as it should be, if `bytes` begin at `position`.
    pub(crate) fn first_difference(self, position: u64, bytes: &[u8]) -> Option<u64> {
        let mut first = None;
        self.each_part(position, bytes.len(), |range, expected| {
            if first.is_none() && bytes[range.clone()] != *expected {
                let start = range.start;
                let within = bytes[range].iter().zip(expected).position(|(a, b)| a != b);
                first = within.map(|within| position + (start + within) as u64);
            }
        });
        first
    }

    /// Goes through the words that `length` bytes from `position` on are made of; the first and the last may be cut.
    fn each_part(
        self,
        position: u64,
        length: usize,
        mut with: impl FnMut(std::ops::Range<usize>, &[u8]),
    ) {
        let mut done = 0;
        while done < length {
            let at = position + done as u64;
            let word = mix(self.0.wrapping_add(at / WORD as u64)).to_le_bytes();
            let skip = (at % WORD as u64) as usize;
            let some = (WORD - skip).min(length - done);
            with(done..done + some, &word[skip..skip + some]);
            done += some;
        }
    }
}

const WORD: usize = size_of::<u64>();

/// The finalizer of splitmix64, after its increment.
const fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_of_the_stream_gives_the_same_bytes() {
        let pattern = Pattern::new(7, Direction::Up);
        let mut whole = [0; 100];
        pattern.fill(0, &mut whole);
        for start in 0..100 {
            for end in start..=100 {
                let mut part = vec![0; end - start];
                pattern.fill(start as u64, &mut part);
                assert_eq!(part, whole[start..end]);
                assert_eq!(pattern.first_difference(start as u64, &part), None);
            }
        }
    }

    #[test]
    fn a_flipped_bit_a_gap_and_another_stream_are_found() {
        let pattern = Pattern::new(7, Direction::Up);
        let mut bytes = [0; 100];
        pattern.fill(3, &mut bytes);
        for at in 0..100 {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                let found = pattern.first_difference(3, &bytes);
                assert_eq!(found, Some(3 + at as u64));
                bytes[at] ^= 1 << bit;
            }
        }
        assert!(pattern.first_difference(4, &bytes).is_some());
        let back = Pattern::new(7, Direction::Down);
        assert!(back.first_difference(3, &bytes).is_some());
        let other = Pattern::new(8, Direction::Up);
        assert!(other.first_difference(3, &bytes).is_some());
    }
}
