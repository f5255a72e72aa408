use std::time::Duration;

/// What came of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called {
    /// How many bytes went there and came back, each of them right.
    pub(crate) bytes: u64,
    pub(crate) timing: Timing,
}

/// How long one call took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// Until the first byte was back: tunnels that are not there yet are made in this time.
    pub(crate) first_byte: Duration,
    /// Until the last one was.
    pub(crate) total: Duration,
}
