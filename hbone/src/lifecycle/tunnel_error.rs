use std::io;

use crate::Reason;

/// Why a half of an established tunnel ended before its end of file.
///
/// No variant of it ever means that all bytes have arrived. It turns into an [`io::Error`] with `From`; the kind is
/// chosen by [`TunnelError::kind`] and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TunnelError {
    /// The peer reset the stream before it had ended it. What has arrived is only a part, whatever the reason says:
    /// NO_ERROR and CANCEL too (RFC 9113 section 5.4.2).
    #[error(
        "the peer reset the tunnel with {0} before its end of file: the bytes so far are only a part; the peer's log says why"
    )]
    Reset(Reason),
    /// The peer ended its half and then reset the stream: everything it sent has arrived, but it takes no more from us
    /// (RFC 9113 section 8.1).
    #[error("the peer has finished and takes no more bytes (reset with {0})")]
    Stopped(Reason),
    /// The peer sent a header block after the tunnel was open, which a CONNECT stream may not carry (RFC 9113
    /// section 8.5).
    #[error("the peer sent trailers on a CONNECT stream, which RFC 9113 section 8.5 forbids")]
    Trailers,
    /// The connection that carried the stream is gone.
    #[error("the connection under the tunnel is lost: {0}")]
    Lost(Loss),
    /// The socket behind the tunnel failed at our end.
    #[error("the socket behind the tunnel failed: {}", io::Error::from(*.0))]
    Socket(io::ErrorKind),
    /// We cut the tunnel.
    #[error("the tunnel was cut here: {0}")]
    Cut(Cut),
}

impl TunnelError {
    /// What an application behind the tunnel is told: the one place where this is decided.
    ///
    /// A reader never meets [`io::ErrorKind::UnexpectedEof`], since much code takes that for an end of file.
    pub fn kind(self) -> io::ErrorKind {
        match self {
            Self::Reset(_) => io::ErrorKind::ConnectionReset,
            Self::Stopped(_) => io::ErrorKind::BrokenPipe,
            Self::Trailers => io::ErrorKind::InvalidData,
            Self::Lost(Loss::Unanswered) | Self::Cut(Cut::HalfClosedTooLong) => {
                io::ErrorKind::TimedOut
            }
            Self::Lost(_) | Self::Cut(_) | Self::Socket(io::ErrorKind::UnexpectedEof) => {
                io::ErrorKind::ConnectionAborted
            }
            Self::Socket(kind) => kind,
        }
    }
}

impl From<TunnelError> for io::Error {
    fn from(error: TunnelError) -> Self {
        Self::new(error.kind(), error)
    }
}

/// How the connection under a tunnel was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Loss {
    /// The peer closed TCP or TLS while the stream was open.
    #[error("the peer closed it while the tunnel was open")]
    Closed,
    /// The peer said GOAWAY, and its last stream id leaves ours out or it closed with an error (RFC 9113 section 6.8).
    #[error("the peer ended it with GOAWAY {0}")]
    GoAway(Reason),
    /// The transport failed: TCP was reset, a TLS record was forged, a route vanished.
    #[error("the transport failed: {}", io::Error::from(*.0))]
    Transport(io::ErrorKind),
    /// The peer broke HTTP/2 so that the whole connection had to be closed (RFC 9113 section 5.4.1).
    #[error("the peer broke HTTP/2: {0}")]
    Protocol(Reason),
    /// Neither a PING nor anything else was answered in time; see [`Keepalive`](crate::Keepalive).
    #[error("the peer no longer answers: it, its host or the network between is down")]
    Unanswered,
}

/// Why we cut an established tunnel ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cut {
    /// The owner of the tunnel let it go before both halves had ended.
    #[error("its owner let it go before the end")]
    Abandoned,
    /// The drain deadline passed, or a second signal asked to stop at once; see [`Drain`](crate::Drain).
    #[error("the drain deadline passed with the tunnel still open; a longer one lets it finish")]
    Drained,
    /// One half was closed and nothing moved in the other for too long; see [`HalfClose`](crate::HalfClose).
    #[error("it was half-closed and idle for too long")]
    HalfClosedTooLong,
    /// A fault of this program, such as a handler that panicked.
    #[error("a fault of this program")]
    Internal,
    /// The peer's certificate has been revoked, or policy no longer allows the tunnel.
    #[error("the peer is no longer allowed: its certificate was revoked or policy has changed")]
    Revoked,
}
