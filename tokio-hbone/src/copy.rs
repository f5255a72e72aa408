//! Tying a tunnel to what is behind it.

mod breakable;
mod from_tunnel;
mod into_tunnel;

use std::future::poll_fn;
use std::task::{Context, Poll};

use hbone::{SocketAction, TunnelError};

use crate::tunnel::Tunnel;
pub use breakable::Breakable;
use from_tunnel::FromTunnel;
use into_tunnel::IntoTunnel;

/// Moves bytes both ways between `tunnel` and `socket` until both directions have ended or one has failed.
///
/// What ends one side is passed on to the other as what it is: an end of file as an end of file (the other direction goes
/// on), a reset as a reset, and a failed socket as RST_STREAM with CONNECT_ERROR (RFC 9113 section 8.5). Neither side is
/// read ahead of the other's writing by more than a buffer, so a slow reader slows the writer at the far end down.
///
/// After an error, drop both: the socket has been told to break off then.
pub async fn copy_bidirectional<S: Breakable>(tunnel: &mut Tunnel, socket: &mut S) -> Copied {
    let mut copy = Copy {
        inbound: FromTunnel::default(),
        outbound: IntoTunnel::default(),
    };
    let end = poll_fn(|cx| copy.poll(cx, tunnel, socket)).await;
    Copied {
        received: copy.inbound.bytes(),
        sent: copy.outbound.bytes(),
        end,
    }
}

/// How the copying went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Bytes that came out of the tunnel and were written to the socket.
    pub received: u64,
    /// Bytes that came from the socket and were taken by the tunnel.
    pub sent: u64,
    /// Whether both directions came to their end of file, or what cut them short.
    pub end: Result<(), TunnelError>,
}

#[derive(Debug)]
struct Copy {
    inbound: FromTunnel,
    outbound: IntoTunnel,
}

impl Copy {
    fn poll<S: Breakable>(
        &mut self,
        cx: &mut Context<'_>,
        tunnel: &mut Tunnel,
        socket: &mut S,
    ) -> Poll<Result<(), TunnelError>> {
        let tunnel = tunnel.io()?;
        let outbound = self.outbound.poll(cx, tunnel, socket);
        if let Poll::Ready(Err(TunnelError::Socket(kind))) = outbound {
            return Poll::Ready(Err(tunnel.socket_failed(kind)));
        }
        // A peer may have finished and take no more: what it sent before that is still to be delivered.
        let inbound = self.inbound.poll(cx, tunnel, socket);
        match (inbound, outbound) {
            (Poll::Ready(Err(TunnelError::Socket(kind))), _) => {
                Poll::Ready(Err(tunnel.socket_failed(kind)))
            }
            (Poll::Ready(Err(error)), _) => {
                if tunnel.poll_socket() == Some(SocketAction::Reset) {
                    socket.break_off();
                }
                Poll::Ready(Err(error))
            }
            (Poll::Ready(Ok(())), Poll::Ready(ended)) => Poll::Ready(ended),
            (Poll::Pending, _) | (_, Poll::Pending) => Poll::Pending,
        }
    }
}
