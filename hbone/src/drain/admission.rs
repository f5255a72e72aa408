use crate::Reason;

/// Whether a stream may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it may or it may not")]
pub enum Admission {
    /// It may, and counts until [`Drain::handle_stream_end`](super::Drain::handle_stream_end).
    Serve,
    /// It may not: a server resets it with this reason, a client looks for another connection.
    Refuse(Reason),
}
