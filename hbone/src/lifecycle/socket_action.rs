/// What to do to the socket behind the tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketAction {
    /// Send FIN behind the last byte (`shutdown(SHUT_WR)`), and read on.
    ShutdownWrite,
    /// Write what has arrived, then close both directions.
    Close,
    /// Close with RST (`SO_LINGER` of zero), at once, so that nobody takes the part that arrived for the whole.
    Reset,
}
