use std::io;
use std::net::SocketAddr;

use crate::proxy::flag_of_dial;
use hbone::mesh::NoRoute;
use hbone::{DialCause, DialError, EstablishError, Hostname, RequestError};
use http::StatusCode;
use peer_meta::labels::ConnectionFlag;
use thiserror::Error;

/// Why a connection of the workload did not come about.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// No tunnel.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// It would come back to us.
    #[error("{0} is a port of this proxy; connecting there would be talking to itself")]
    Loop(SocketAddr),
    /// No way.
    #[error(transparent)]
    NoRoute(#[from] NoRoute),
    /// No plain connection.
    #[error("cannot connect to {address}: {}", io::Error::from(*.kind))]
    Unreachable {
        address: SocketAddr,
        kind: io::ErrorKind,
    },
    /// A name that nobody knows.
    #[error("{0} is neither a service of the mesh nor known to the DNS")]
    Unresolved(Hostname),
}

/// What the client of a connection is told of its failure, in the terms of SOCKS5 (RFC 1928 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Failure = 1,
    NotAllowed = 2,
    NetworkUnreachable = 3,
    HostUnreachable = 4,
    Refused = 5,
    TimedOut = 6,
}

impl Fault {
    /// Its response flag.
    pub(crate) fn flag(&self) -> ConnectionFlag {
        match self {
            Self::Dial(error) => flag_of_dial(error),
            _ => ConnectionFlag::Connect,
        }
    }

    /// What the client is told.
    pub(crate) fn told(&self) -> Told {
        match self {
            Self::Dial(error) => told_of_dial(&error.cause),
            Self::Loop(_) => Told::NotAllowed,
            Self::NoRoute(_) | Self::Unresolved(_) => Told::HostUnreachable,
            Self::Unreachable { kind, .. } => told_of_io(*kind),
        }
    }
}

fn told_of_dial(cause: &DialCause) -> Told {
    match cause {
        DialCause::Establish(EstablishError::Io { kind, .. }) => told_of_io(*kind),
        DialCause::Establish(EstablishError::TimedOut { .. })
        | DialCause::Request(RequestError::TimedOut(_))
        | DialCause::TimedOut(_) => Told::TimedOut,
        DialCause::Request(RequestError::Refused(refused)) => match refused.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Told::NotAllowed,
            _ => Told::Refused,
        },
        _ => Told::Failure,
    }
}

fn told_of_io(kind: io::ErrorKind) -> Told {
    match kind {
        io::ErrorKind::ConnectionRefused => Told::Refused,
        io::ErrorKind::HostUnreachable => Told::HostUnreachable,
        io::ErrorKind::NetworkUnreachable => Told::NetworkUnreachable,
        io::ErrorKind::TimedOut => Told::TimedOut,
        _ => Told::Failure,
    }
}
