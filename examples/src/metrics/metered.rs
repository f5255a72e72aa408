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
    from: Flow,
    to: Flow,
}

/// One direction: what has flowed, and where that is counted.
#[derive(Debug)]
struct Flow {
    bytes: u64,
    counter: Counter,
}

impl<IO> Metered<IO> {
    /// The socket of the client.
    pub fn client(io: IO, counted: &Counted) -> Self {
        let (sent, received) = counted.counters();
        Self {
            io,
            from: Flow::new(received),
            to: Flow::new(sent),
        }
    }

    /// The socket of the server.
    pub fn server(io: IO, counted: &Counted) -> Self {
        let (sent, received) = counted.counters();
        Self {
            io,
            from: Flow::new(sent),
            to: Flow::new(received),
        }
    }

    /// The socket itself.
    pub const fn io(&self) -> &IO {
        &self.io
    }

    /// How many bytes have been read from it.
    pub const fn read(&self) -> u64 {
        self.from.bytes
    }

    /// How many bytes have been written to it.
    pub const fn written(&self) -> u64 {
        self.to.bytes
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
        let bytes = buf.filled().len().saturating_sub(before);
        self.from.add(bytes);
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
        self.to.add(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, bufs))?;
        self.to.add(written);
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

impl Flow {
    const fn new(counter: Counter) -> Self {
        Self { bytes: 0, counter }
    }

    fn add(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.bytes = self.bytes.saturating_add(bytes);
        self.counter.inc_by(bytes);
    }
}
