/// What a connection has to do to be kept alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepaliveAction {
    /// Send a PING (RFC 9113 section 6.7). There is never a second one before the first was answered.
    Ping,
    /// Close the connection: everything on it ends with [`Loss::Unanswered`](crate::Loss::Unanswered).
    Close,
}
