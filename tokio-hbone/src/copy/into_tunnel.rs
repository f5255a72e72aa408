use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hbone::TunnelError;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::tending::Place;
use crate::tunnel::TunnelIo;

/// The direction into the tunnel. It holds one buffer at most, which grows with the traffic and goes when that pauses.
#[derive(Debug)]
pub(super) struct IntoTunnel {
    bytes: u64,
    /// What the next read may bring.
    size: usize,
    largest: usize,
    space: BytesMut,
    /// What has been read and has no room in the peer's window yet.
    waiting: Bytes,
    /// Where it waits for its turn on the connection.
    place: Place,
    /// How it ended, if it did.
    end: Option<Result<(), TunnelError>>,
}

/// What the first read after a pause may bring: a message of the usual kind whole, so that it leaves in one frame.
const FIRST: usize = 32 << 10;
/// Fewer bytes than this are copied, so that they do not hold on to a buffer of more than twice their size.
const SMALL: usize = FIRST / 2;
/// What is left of a buffer is read into as long as it is at least this.
const REMNANT: usize = 8 << 10;
/// The least that it can be told to hold.
const LEAST: usize = 2 << 10;

impl IntoTunnel {
    /// It holds at most so many bytes.
    pub(super) fn new(largest: usize) -> Self {
        let largest = largest.max(LEAST);
        Self {
            bytes: 0,
            size: FIRST.min(largest),
            largest,
            space: BytesMut::new(),
            waiting: Bytes::new(),
            place: Place::default(),
            end: None,
        }
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Moves what there is; ready once the tunnel has been told of the end of file, or takes no more.
    pub(super) fn poll<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        tunnel: &mut TunnelIo,
        socket: &mut S,
    ) -> Poll<Result<(), TunnelError>> {
        if self.end.is_none() {
            self.end = Some(ready!(self.poll_copy(cx, tunnel, socket)));
        }
        Poll::Ready(self.end.unwrap_or(Ok(())))
    }

    fn poll_copy<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        tunnel: &mut TunnelIo,
        socket: &mut S,
    ) -> Poll<Result<(), TunnelError>> {
        loop {
            while !self.waiting.is_empty() {
                let room = ready!(tunnel.poll_room(cx, self.waiting.len()))?;
                tunnel.send(self.waiting.split_to(room))?;
                self.bytes += room as u64;
            }
            if tunnel.poll_turn(&mut self.place, cx).is_pending() {
                return tunnel.poll_stopped(cx).map(Err);
            }
            match self.poll_read(cx, socket)? {
                Poll::Ready(0) => return Poll::Ready(tunnel.finish()),
                Poll::Ready(_) => {}
                // A peer that takes no more is noticed here, not at the next byte, which may never come.
                Poll::Pending => return tunnel.poll_stopped(cx).map(Err),
            }
        }
    }

    /// Reads what the socket has. The window is asked for only then: an idle tunnel reserves none of it.
    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<Result<usize, TunnelError>> {
        if self.space.capacity() < REMNANT.min(self.size) {
            self.space.reserve(self.size);
        }
        let most = self.space.capacity().min(self.size);
        let mut limited = bytes::BufMut::limit(&mut self.space, most);
        let Poll::Ready(read) = pin!(socket.read_buf(&mut limited)).poll(cx) else {
            // A pause: what the next burst needs is found out anew.
            self.space = BytesMut::new();
            self.size = FIRST.min(self.largest);
            return Poll::Pending;
        };
        let some = read.map_err(|error| TunnelError::Socket(error.kind()))?;
        if some < SMALL {
            self.waiting = Bytes::copy_from_slice(&self.space);
            self.space.clear();
        } else {
            self.waiting = self.space.split().freeze();
        }
        if some == self.size {
            self.size = self.size.saturating_mul(2).min(self.largest);
        }
        Poll::Ready(Ok(some))
    }
}
