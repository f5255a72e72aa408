use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hbone::{Authority, EstablishError, Identity, Reason, Reject, RequestError};

use super::{ConnectionEnd, ConnectionInfo, TunnelInfo, TunnelSummary};
use crate::pool::PoolEvent;

/// What happens in a transport.
///
/// Each connection has exactly one `HandshakeBegan`, and one of `HandshakeDone`, `HandshakeFailed` and `HandshakeAbandoned`; a
/// `HandshakeDone` is followed by exactly one `ConnectionClosed`. Each CONNECT that makes sense comes to exactly one of
/// `TunnelOpened`, `TunnelFailed`, `TunnelRefused` and `TunnelGivenUp`, and a `TunnelOpened` to exactly one `TunnelClosed`,
/// which may come after the `ConnectionClosed`: that is when its owner notices.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A server could not accept, for want of descriptors most likely.
    AcceptFailed {
        /// The system's error.
        kind: io::ErrorKind,
    },
    /// A connection is over.
    ConnectionClosed {
        /// Which.
        connection: ConnectionInfo,
        /// Who was there.
        peer: Identity,
        /// How it ended.
        end: ConnectionEnd,
        /// How long it was up.
        lived: Duration,
    },
    /// The peer said GOAWAY: it wants no new tunnels on this connection. A client sees it at once on a connection that is pooled,
    /// and otherwise where it ends the connection.
    GoAwayReceived {
        /// Which connection.
        connection: ConnectionInfo,
        /// Why; NO_ERROR where it drains.
        reason: Reason,
    },
    /// We said GOAWAY.
    GoAwaySent {
        /// On which connection.
        connection: ConnectionInfo,
        /// Why; NO_ERROR where we drain.
        reason: Reason,
    },
    /// A handshake was given up before its end, by whoever waited for it or to make room for another.
    HandshakeAbandoned {
        /// Which connection there is not.
        connection: ConnectionInfo,
        /// How long it took so far.
        took: Duration,
    },
    /// A connection is being made: TCP at a client, then TLS, then SETTINGS.
    HandshakeBegan {
        /// Which.
        connection: ConnectionInfo,
    },
    /// A connection is up.
    HandshakeDone {
        /// Which.
        connection: ConnectionInfo,
        /// Who is there, proved by TLS.
        peer: Identity,
        /// How long that took, TCP included at a client.
        took: Duration,
    },
    /// A connection could not be made.
    HandshakeFailed {
        /// Which connection there is not.
        connection: ConnectionInfo,
        /// Why.
        error: EstablishError,
        /// How long that took.
        took: Duration,
    },
    /// The peer was asked whether it lives, did not answer, and was given up. `ConnectionClosed` follows.
    KeepaliveTimedOut {
        /// On which connection.
        connection: ConnectionInfo,
    },
    /// Something happened in a pool.
    Pool(PoolEvent),
    /// The peer reset a tunnel, or a CONNECT.
    ResetReceived {
        /// Which.
        tunnel: TunnelInfo,
        /// Why, as it says.
        reason: Reason,
    },
    /// We reset a tunnel, or a CONNECT.
    ResetSent {
        /// Which.
        tunnel: TunnelInfo,
        /// Why, as the peer is told.
        reason: Reason,
    },
    /// A tunnel is over: both of its halves, or its owner let it go.
    TunnelClosed {
        /// Which.
        tunnel: TunnelInfo,
        /// How it went.
        summary: TunnelSummary,
    },
    /// A CONNECT of ours opened no tunnel.
    TunnelFailed {
        /// On which connection it was sent.
        connection: ConnectionInfo,
        /// Where it was to lead.
        authority: Authority,
        /// Why; a refusal has the peer's status.
        error: RequestError,
    },
    /// A client took its CONNECT back before it was answered, was lost, or its handler let it go unanswered.
    TunnelGivenUp {
        /// Which.
        tunnel: TunnelInfo,
        /// Where it was to lead.
        authority: Authority,
    },
    /// A tunnel is open.
    TunnelOpened {
        /// Which.
        tunnel: TunnelInfo,
        /// Who is at the other end, proved by TLS.
        peer: Identity,
        /// Where it leads.
        authority: Authority,
        /// From the CONNECT to its answer.
        took: Duration,
    },
    /// A client's CONNECT was refused.
    TunnelRefused {
        /// Which.
        tunnel: TunnelInfo,
        /// Where it was to lead; `None` if its head was no good.
        authority: Option<Authority>,
        /// Why, and with [`status`](Reject::status) how it was answered.
        reject: Reject,
    },
    /// A server closed a client for want of room: see [`ServerConfig`](crate::ServerConfig).
    TurnedAway {
        /// Where the client connected from.
        address: SocketAddr,
    },
    /// A writer of a tunnel had to wait, and now goes on: either the peer's window had been empty, or what was written before
    /// had not been sent. A peer that reads slowly is seen here.
    WindowStalled {
        /// Which.
        tunnel: TunnelInfo,
        /// For how long.
        waited: Duration,
    },
}
