use std::error::Error;
use std::fmt;
use std::io;

use hbone::{Cut, TunnelError};
use peer_meta::labels::TcpLabels;
use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};

use super::series::Series;

/// Why a connection that had been opened broke off, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Why {
    /// We cut it when we drained.
    Drained,
    /// One half was closed, and nothing moved in the other for too long.
    Idle,
    /// The connection under the tunnel is gone.
    Lost,
    /// A fault of ours.
    Other,
    /// The other end of the tunnel reset it.
    Reset,
    /// We cut it since its peer is no longer allowed.
    Revoked,
    /// The plain socket failed: whoever is at its end reset it, mostly.
    Socket,
}

impl Why {
    /// What an error of a connection comes down to.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .and_then(|inside| inside.downcast_ref());
        match error.downcast_ref::<TunnelError>().or(inside) {
            Some(TunnelError::Reset(_) | TunnelError::Stopped(_) | TunnelError::Trailers) => {
                Self::Reset
            }
            Some(TunnelError::Lost(_)) => Self::Lost,
            Some(TunnelError::Cut(Cut::Drained)) => Self::Drained,
            Some(TunnelError::Cut(Cut::HalfClosedTooLong)) => Self::Idle,
            Some(TunnelError::Cut(Cut::Revoked)) => Self::Revoked,
            Some(TunnelError::Socket(_)) | None => Self::Socket,
            Some(_) => Self::Other,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::Idle => "idle",
            Self::Lost => "lost",
            Self::Other => "other",
            Self::Reset => "reset",
            Self::Revoked => "revoked",
            Self::Socket => "socket",
        }
    }
}

/// The labels of a connection, and why it broke off.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Broken {
    series: TcpLabels,
    why: Why,
}

impl Broken {
    pub(super) fn new(series: &Series, why: Why) -> Self {
        let series = series.0.clone();
        Self { series, why }
    }
}

impl EncodeLabelSet for Broken {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        for label in self.series.iter() {
            label.encode(encoder.encode_label())?;
        }
        ("why", self.why.as_str()).encode(encoder.encode_label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_what_is_inside() {
        let revoked = TunnelError::Cut(Cut::Revoked);
        assert_eq!(Why::of(&revoked), Why::Revoked);
        assert_eq!(Why::of(&io::Error::from(revoked)), Why::Revoked);
        let socket = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(Why::of(&socket), Why::Socket);
    }
}
