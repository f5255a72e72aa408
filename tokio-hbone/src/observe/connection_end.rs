use hbone::{Cut, Loss, Reason, TunnelError};
use thiserror::Error;

/// How a connection ended.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionEnd {
    /// In order: nobody had any more use for it.
    #[error("it was closed in order")]
    Closed,
    /// We broke it off.
    #[error("it was cut here: {0}")]
    Cut(Cut),
    /// It was lost, or the peer ended it with tunnels on it.
    #[error("it was lost: {0}")]
    Lost(Loss),
    /// We sent the peer away with GOAWAY and this reason (RFC 9113 section 6.8).
    #[error("the peer was sent away with GOAWAY {0}")]
    SentAway(Reason),
}

impl From<TunnelError> for ConnectionEnd {
    /// What a connection's end means that its tunnels end with.
    fn from(error: TunnelError) -> Self {
        match error {
            TunnelError::Cut(cut) => Self::Cut(cut),
            TunnelError::Lost(loss) => Self::Lost(loss),
            _ => Self::Lost(Loss::Closed),
        }
    }
}
