//! Tying a tunnel to what is behind it.

mod breakable;
mod config;
mod from_tunnel;
mod half_closed;
mod into_tunnel;

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use hbone::{Cut, SocketAction, TunnelError};

use crate::tunnel::{Tunnel, TunnelIo};
pub use breakable::Breakable;
pub(crate) use config::COPIED;
pub use config::CopyConfig;
use from_tunnel::FromTunnel;
use half_closed::HalfClosed;
use into_tunnel::IntoTunnel;

/// Moves bytes both ways between `tunnel` and `socket` until both directions have ended or one has failed.
///
/// What ends one side is passed on to the other as what it is: an end of file as an end of file (the other direction goes
/// on), a reset as a reset, and a failed socket as RST_STREAM with CONNECT_ERROR (RFC 9113 section 8.5). Neither side is
/// read ahead of the other's writing by more than a buffer, so a slow reader slows the writer at the far end down. Out of the
/// tunnel that is the tunnel's own window. Into it the buffer begins at 32 KiB, grows as long as the socket fills it, up to
/// [`CopyConfig::buffer`], and is let go at the first pause: an idle tunnel holds none.
///
/// After an error, drop both: the socket has been told to break off then.
///
/// If the future is dropped, what was read from the socket and not yet taken by the tunnel is gone, and neither side has been told
/// of anything: drop the tunnel, and [`break_off`](Breakable::break_off) the socket before it is dropped, or its peer takes the
/// part that it got for the whole.
pub async fn copy_bidirectional<S: Breakable>(tunnel: &mut Tunnel, socket: &mut S) -> Copied {
    copy_bidirectional_with(tunnel, socket, &CopyConfig::default()).await
}

/// The same with other limits.
pub async fn copy_bidirectional_with<S: Breakable>(
    tunnel: &mut Tunnel,
    socket: &mut S,
    config: &CopyConfig,
) -> Copied {
    let mut copy = Copy {
        inbound: FromTunnel::default(),
        outbound: IntoTunnel::new(config.buffer),
        half_closed: HalfClosed::new(config.half_closed_timeout),
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
    half_closed: HalfClosed,
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
            (Poll::Ready(Err(error)), _) => Poll::Ready(Err(broken(tunnel, socket, error))),
            (Poll::Ready(Ok(())), Poll::Ready(ended)) => Poll::Ready(ended),
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            (Poll::Pending, _) | (_, Poll::Pending) => {
                let moved = self.inbound.bytes().wrapping_add(self.outbound.bytes());
                ready!(self.half_closed.poll_too_long(cx, moved));
                let cut = Cut::HalfClosedTooLong;
                tunnel.cut(cut);
                Poll::Ready(Err(broken(tunnel, socket, TunnelError::Cut(cut))))
            }
        }
    }
}

/// The socket behind a broken tunnel is to look broken, too.
fn broken<S: Breakable>(tunnel: &mut TunnelIo, socket: &mut S, error: TunnelError) -> TunnelError {
    if tunnel.poll_socket() == Some(SocketAction::Reset) {
        socket.break_off();
    }
    error
}
