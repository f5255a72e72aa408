/// What a connection has to do to come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DrainAction {
    /// Server: send GOAWAY with the last stream id 2^31-1 and NO_ERROR, and a PING behind it whose answer is
    /// [`Drain::handle_announced`](super::Drain::handle_announced).
    Announce,
    /// Server: send GOAWAY with the id of the last admitted stream. A transport that sends both by itself has nothing to
    /// do here.
    Finish,
    /// No stream is left: close the connection.
    Close,
    /// Cut every stream that is left with [`Cut::Drained`](crate::Cut::Drained) and close the connection, whether the peer
    /// reads or not.
    Abort,
}
