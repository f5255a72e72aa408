use std::fmt;

use hbone::Reason;

/// How many streams were reset, by reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ResetCounts {
    by_code: [u64; Self::CODES],
}

impl ResetCounts {
    /// The codes of RFC 9113 section 7, and one place for all others.
    pub(super) const CODES: usize = 15;

    pub(super) const fn new(by_code: [u64; Self::CODES]) -> Self {
        Self { by_code }
    }

    /// Those for this reason. Reasons that RFC 9113 does not know are counted together.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        self.by_code.get(Self::index(reason)).copied().unwrap_or(0)
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_code.iter().sum()
    }

    /// Each reason that there was. What RFC 9113 does not know is given as the first code beyond it, 0xe.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        (0..)
            .map(Reason::from_wire)
            .zip(self.by_code)
            .filter(|(_, count)| *count > 0)
    }

    pub(super) fn index(reason: Reason) -> usize {
        let code = usize::try_from(reason.to_wire()).unwrap_or(usize::MAX);
        code.min(Self::CODES - 1)
    }
}

impl fmt::Debug for ResetCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
