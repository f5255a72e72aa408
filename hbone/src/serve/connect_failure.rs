use std::io;

use crate::Reject;

/// Why the upstream could not be connected to, ordered by how much it tells: when several addresses fail, the one that says most is
/// reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// Any other failure, of this host most likely: no descriptor left, no local port.
    Other,
    /// No route leads there.
    Unreachable,
    /// Nothing answered in time.
    TimedOut,
    /// It is there, and nobody listens.
    Refused,
}

impl From<io::ErrorKind> for ConnectFailure {
    fn from(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Other,
        }
    }
}

impl From<ConnectFailure> for Reject {
    fn from(failure: ConnectFailure) -> Self {
        match failure {
            ConnectFailure::Other => Self::UpstreamFailed,
            ConnectFailure::Unreachable => Self::UpstreamUnreachable,
            ConnectFailure::TimedOut => Self::UpstreamTimeout,
            ConnectFailure::Refused => Self::UpstreamRefused,
        }
    }
}
