use std::fmt;
use std::io;

use hbone::{DialError, TunnelError};

use crate::errand::Errand;
use crate::pattern::Direction;

/// How a tunnel, or what became of it at one end, was not as it was meant to be.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// A byte is not the one that was sent.
    Corrupt { direction: Direction, at: u64 },
    /// The end of file came before the last byte: a part was taken for the whole.
    Short { direction: Direction, at: u64 },
    /// Bytes came that nobody has sent.
    Excess { direction: Direction },
    /// There is no tunnel.
    Dial(DialError),
    /// The tunnel broke.
    Tunnel(TunnelError),
    /// The application's socket failed.
    Socket(io::ErrorKind),
    /// The application never said how this ended; it may not have heard of it.
    Unheard(Errand),
    /// Something else than what must happen.
    Other(String),
}

impl Trouble {
    /// Whether the application was lied to, which no fault excuses.
    pub(crate) const fn is_corruption(&self) -> bool {
        matches!(
            self,
            Self::Corrupt { .. } | Self::Short { .. } | Self::Excess { .. }
        )
    }

    /// Whether it is what the loss of a connection looks like.
    pub(crate) const fn is_loss(&self) -> bool {
        match self {
            Self::Dial(_) | Self::Socket(_) | Self::Unheard(_) => true,
            Self::Tunnel(error) => matches!(
                error,
                TunnelError::Reset(_) | TunnelError::Stopped(_) | TunnelError::Lost(_)
            ),
            _ => false,
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        let tunnel = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<TunnelError>());
        match tunnel {
            Some(error) => Self::Tunnel(*error),
            None => Self::Socket(error.kind()),
        }
    }
}

impl From<TunnelError> for Trouble {
    fn from(error: TunnelError) -> Self {
        Self::Tunnel(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt { direction, at } => write!(f, "a wrong byte {direction:?} at {at}"),
            Self::Short { direction, at } => {
                write!(f, "the end of file {direction:?} came too early, at {at}")
            }
            Self::Excess { direction } => write!(f, "more bytes {direction:?} than were sent"),
            Self::Dial(error) => write!(f, "no tunnel: {error}"),
            Self::Tunnel(error) => write!(f, "{error}"),
            Self::Socket(kind) => write!(f, "the socket failed: {}", io::Error::from(*kind)),
            Self::Unheard(errand) => write!(f, "no word from the application about {errand:?}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}
