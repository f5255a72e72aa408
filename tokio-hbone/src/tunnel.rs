//! An open tunnel: bytes both ways, and an exact end.

mod ends;
mod inbound;
mod lingering;
mod outbound;
mod split;
mod stash;
mod stream;
mod unread;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hbone::{Identity, TunnelError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::observe::TunnelInfo;
use crate::walk::HopAnswer;
pub(crate) use ends::Ends;
pub(crate) use lingering::Lingering;
pub use split::{TunnelReader, TunnelWriter};
pub(crate) use stream::TunnelIo;

/// An open tunnel.
///
/// The end of file at the reader always means that the peer has ended its half and that every byte before it was
/// delivered. A reset for whatever reason, trailers, or the loss of the connection are errors; the [`TunnelError`] is in
/// the [`io::Error`]. Shutting the writer down ends only our half.
///
/// A small write leaves at once if nothing of this tunnel is on its way to the socket. Otherwise it is put together with those
/// that follow it, 16 KiB at most, and they leave as one frame as soon as the way is free; no timer is involved, and flushing
/// changes nothing about it. What is queued and held together never exceeds the peer's window, nor
/// [`Http2Config::send_buffer`](crate::Http2Config::send_buffer). A write of several slices is one frame.
///
/// Neither flushing nor shutting down waits until what was written has left: that is done by whoever drives the connection, as long
/// as it does. That the peer has taken all of it is certain only once it says so, with its answer or the end of its half.
///
/// Whoever gives up a pending write leaves at most one byte of the peer's window set aside, until the next write;
/// [`write_chunk`](Self::write_chunk) leaves none.
///
/// Besides [`AsyncRead`] and [`AsyncWrite`] there is a pair of methods that hand [`Bytes`] through without copying.
/// Dropping a tunnel resets it, unless our half has ended: then it lives on until what is on its way has left and five to ten
/// seconds more, so that the peer can end its half, too.
///
/// Specification: HBONE-C-006, HBONE-L-001, HBONE-L-002, HBONE-L-004, HBONE-L-005, HBONE-L-006, HBONE-L-008, HBONE-L-009.
#[derive(Debug)]
pub struct Tunnel {
    io: Lingering,
    info: TunnelInfo,
    peer: Identity,
    answers: Vec<HopAnswer>,
}

impl Tunnel {
    pub(crate) fn new(io: TunnelIo, peer: Identity, answers: Vec<HopAnswer>) -> Self {
        Self {
            info: io.info(),
            io: Lingering::new(io),
            peer,
            answers,
        }
    }

    pub(crate) fn io(&mut self) -> Result<&mut TunnelIo, TunnelError> {
        self.io.io()
    }

    /// Which tunnel it is in [`Event`](crate::Event)s; of several hops, the innermost.
    #[must_use]
    pub const fn info(&self) -> TunnelInfo {
        self.info
    }

    /// Who is at the other end, proved by the TLS handshake of the innermost hop.
    #[must_use]
    pub const fn peer(&self) -> &Identity {
        &self.peer
    }

    /// What each hop answered, the outermost first; empty on the side that accepted the tunnel. The last answer is the
    /// destination's.
    #[must_use]
    pub fn answers(&self) -> &[HopAnswer] {
        &self.answers
    }

    /// The next bytes as they arrived, or `None` at the end of file. The future may be dropped at any point without losing a byte.
    ///
    /// # Errors
    /// [`TunnelError`] if the tunnel broke before its end.
    pub async fn read_chunk(&mut self) -> Result<Option<Bytes>, TunnelError> {
        std::future::poll_fn(|cx| self.io()?.poll_read_chunk(cx)).await
    }

    /// Queues `chunk` without copying it (unless it is small and others are on their way before it), and waits until the
    /// peer's window has taken all of it. If the future is dropped before that, the peer gets a part.
    ///
    /// # Errors
    /// [`TunnelError`] if the peer takes no more; how much of `chunk` it got is unknown then.
    pub async fn write_chunk(&mut self, mut chunk: Bytes) -> Result<(), TunnelError> {
        let writing = Writing(self.io()?);
        while !chunk.is_empty() {
            let room = std::future::poll_fn(|cx| writing.0.poll_room(cx, chunk.len())).await?;
            writing.0.send(chunk.split_to(room))?;
        }
        Ok(())
    }
}

/// A write that, once it is given up, has no part of the window set aside any more.
struct Writing<'a>(&'a mut TunnelIo);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.wants_no_room();
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl AsyncRead for TunnelIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // No room, no answer: zero bytes into an empty buffer must not look like the end of file.
        if buf.remaining() > 0
            && let Some(chunk) = ready!(self.poll_peek(cx))?
        {
            let some = chunk.len().min(buf.remaining());
            buf.put_slice(&chunk[..some]);
            self.consume(some);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TunnelIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        // An empty write must not become an empty DATA frame: peers count those as a flood.
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let room = ready!(self.poll_room(cx, buf.len()))?;
        self.send_copy(&buf[..room])?;
        Poll::Ready(Ok(room))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let whole = bufs
            .iter()
            .fold(0_usize, |whole, buf| whole.saturating_add(buf.len()));
        if whole == 0 {
            return Poll::Ready(Ok(0));
        }
        let room = ready!(self.poll_room(cx, whole))?;
        self.send(gathered(bufs, room))?;
        Poll::Ready(Ok(room))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The connection's own task sends what is queued or held back as soon as the socket takes it. To hurry it here would
        // only cut what still waits for the socket into more frames.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.finish().map_err(io::Error::from))
    }
}

/// The first `some` bytes in one piece.
fn gathered(bufs: &[IoSlice<'_>], some: usize) -> Bytes {
    let mut bytes = BytesMut::with_capacity(some);
    for buf in bufs {
        let left = some - bytes.len();
        bytes.extend_from_slice(&buf[..buf.len().min(left)]);
    }
    bytes.freeze()
}
