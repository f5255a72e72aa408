/// What to do with the bytes offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// More is needed. Keep them, and offer them again with what comes next; never more than the size limit and 8 bytes are
    /// asked to be kept.
    Hold,
    /// The first `skip` bytes were metadata; everything after them is the application's.
    Pass {
        /// How many bytes to drop.
        skip: usize,
    },
}
