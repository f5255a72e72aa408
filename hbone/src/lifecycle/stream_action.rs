use crate::Reason;

/// What to do to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamAction {
    /// Send END_STREAM behind the last byte: on it, or on an empty DATA frame.
    EndStream,
    /// Send RST_STREAM, now; but never ahead of an END_STREAM that was given before it.
    Reset(Reason),
}
