use std::num::NonZeroU64;

/// What chance decides in one plan: 128 bits of the caller's.
///
/// The choices of one plan (a waypoint's instance, a gateway's instance, an endpoint) each take a digit
/// from it, in mixed radix: the remainder by the number of possibilities is the choice, and the quotient
/// is left for the next one. So a uniform value makes every combination of choices exactly as likely as its
/// weights say, and a plain counter, which is a fair schedule too, sweeps them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entropy(u128);

impl Entropy {
    /// The caller's bits. A generator's `u128`, or a counter; one value for every plan makes every plan the
    /// same.
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// Takes a digit: a number below `bound`.
    pub fn below(&mut self, bound: NonZeroU64) -> u64 {
        let bound = u128::from(bound.get());
        let digit = self.0 % bound;
        self.0 /= bound;
        // a remainder by a u64 is a u64
        u64::try_from(digit).unwrap_or(u64::MAX)
    }

    /// Takes a digit and finds the index it falls on, each index as wide as its weight. A weight of 0 is
    /// never chosen, unless all are 0: then each counts as 1. `None` only without any weights.
    pub fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
        let sum = |all: &mut dyn Iterator<Item = u64>| all.fold(0, u64::saturating_add);
        match NonZeroU64::new(sum(&mut weights.clone().map(u64::from))) {
            Some(total) => self.fall(total, weights.map(u64::from)),
            None => {
                let even = weights.map(|_| 1);
                let total = NonZeroU64::new(sum(&mut even.clone()))?;
                self.fall(total, even)
            }
        }
    }

    fn fall(&mut self, total: NonZeroU64, mut widths: impl Iterator<Item = u64>) -> Option<usize> {
        let mut left = self.below(total);
        widths.position(|width| match left.checked_sub(width) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
    }
}
