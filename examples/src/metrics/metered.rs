use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_hbone::Breakable;

use super::Counted;

/// A socket whose bytes are counted as they flow, so that the rate of a connection that lives long can be seen.
#[derive(Debug)]
pub struct Metered<IO> {
    io: IO,
    read: Counter,
    written: Counter,
}

impl<IO> Metered<IO> {
    /// The socket of the client.
    pub fn client(io: IO, counted: &Counted) -> Self {
        let (sent, received) = counted.counters();
        Self {
            io,
            read: received,
            written: sent,
        }
    }

    /// The socket of the server.
    pub fn server(io: IO, counted: &Counted) -> Self {
        let (sent, received) = counted.counters();
        Self {
            io,
            read: sent,
            written: received,
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Metered<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        count(&self.read, buf.filled().len().saturating_sub(before));
        Poll::Ready(outcome)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Metered<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        count(&self.written, written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, bufs))?;
        count(&self.written, written);
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

impl<IO: Breakable> Breakable for Metered<IO> {
    fn break_off(&mut self) {
        self.io.break_off();
    }
}

fn count(counter: &Counter, bytes: usize) {
    counter.inc_by(bytes as u64);
}
