use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_hbone::Breakable;

/// An IO that remembers how what went through it began.
pub(crate) struct Overheard<T> {
    io: T,
    read: Beginning,
    written: Beginning,
}

impl<T> Overheard<T> {
    pub(crate) fn new(io: T) -> Self {
        Self {
            io,
            read: Beginning::default(),
            written: Beginning::default(),
        }
    }

    /// Whether TLS was written to it, where none had been begun.
    pub(crate) fn is_answered_by_tls(&self) -> bool {
        self.written.is_tls() && !self.read.is_tls()
    }

    pub(crate) const fn io(&mut self) -> &mut T {
        &mut self.io
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Overheard<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        self.read
            .add(buf.filled().get(before..).unwrap_or_default());
        Poll::Ready(outcome)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Overheard<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.written.add(buf.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, bufs))?;
        let mut left = written;
        for buf in bufs {
            let own = left.min(buf.len());
            self.written.add(buf.get(..own).unwrap_or_default());
            left -= own;
        }
        Poll::Ready(Ok(written))
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

impl<T: Breakable> Breakable for Overheard<T> {
    fn break_off(&mut self) {
        self.io.break_off();
    }
}

/// How a direction began.
#[derive(Default)]
struct Beginning(Vec<u8>);

impl Beginning {
    /// More than the head of a TLS record tells nothing more.
    const ENOUGH: usize = 3;

    fn add(&mut self, bytes: &[u8]) {
        let missing = Self::ENOUGH.saturating_sub(self.0.len());
        self.0.extend(bytes.iter().take(missing));
    }

    /// An alert or a handshake of TLS (RFC 8446 section 5.1).
    fn is_tls(&self) -> bool {
        matches!(self.0[..], [21 | 22, 3, 0..=4])
    }
}
