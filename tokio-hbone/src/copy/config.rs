use std::time::Duration;

/// What one [`copy_bidirectional_with`](crate::copy_bidirectional_with) may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyConfig {
    /// How long one direction may be over while nothing moves in the other; then the tunnel is reset with CONNECT_ERROR and
    /// ends with [`Cut::HalfClosedTooLong`](hbone::Cut::HalfClosedTooLong). `None`, the default, for ever, as TCP has it.
    pub half_closed_timeout: Option<Duration>,
    /// The most bytes that are read from the socket ahead of what the tunnel takes: 256 KiB by default, 2 KiB at least.
    pub buffer: usize,
}

/// What is read from a socket in one go where nothing else is asked for. Large enough that system calls, acknowledgements and
/// wake-ups are few; small enough that what has been read is still in the processor's cache when it is encrypted and written.
pub(crate) const COPIED: usize = 256 << 10;

impl Default for CopyConfig {
    fn default() -> Self {
        Self {
            half_closed_timeout: None,
            buffer: COPIED,
        }
    }
}
