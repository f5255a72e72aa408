//! An IO in the middle of whose use something happens.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// An IO that gives an order at each of its reads and writes.
pub(crate) struct OrderingIo {
    io: DuplexStream,
    order: Box<dyn Fn() + Send>,
}

impl OrderingIo {
    pub(crate) fn new(io: DuplexStream, order: impl Fn() + Send + 'static) -> Self {
        Self {
            io,
            order: Box::new(order),
        }
    }
}

impl AsyncRead for OrderingIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        (self.order)();
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for OrderingIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        (self.order)();
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
