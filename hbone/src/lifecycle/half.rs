use super::TunnelError;

/// One direction of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "every reader and writer must treat all of them"
)]
pub enum Half {
    /// Bytes may come.
    Open,
    /// Its sender has ended it: every byte before was whole. A reader is at its end of file.
    Ended,
    /// It broke off; a reader or writer is told so after the bytes that came before.
    Failed(TunnelError),
}

impl Half {
    /// Whether bytes may still come.
    pub fn is_open(self) -> bool {
        self == Self::Open
    }

    /// The failure, if that is what it is.
    pub fn error(self) -> Option<TunnelError> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Open | Self::Ended => None,
        }
    }

    pub(super) fn fail(&mut self, error: TunnelError) {
        if self.is_open() {
            *self = Self::Failed(error);
        }
    }
}
