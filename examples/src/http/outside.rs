use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::proxy::close_is_reset;

/// A connection of a client outside of the mesh. What was said on it and not brought to its end does not look finished, whatever
/// becomes of the proxy: unless both have agreed on the end, it is closed with RST.
#[derive(Debug)]
pub struct Outside {
    socket: TcpStream,
    /// Whether what is said counts: that a handshake fails is said, too, and must be heard.
    counts: bool,
    /// Whether something has been said since which a close would be taken for its end.
    is_open: bool,
}

impl Outside {
    /// Nothing has been said on it.
    #[must_use]
    pub const fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            counts: true,
            is_open: false,
        }
    }

    /// A handshake comes first, which does not count, until [`Self::begin`].
    #[must_use]
    pub const fn in_handshake(socket: TcpStream) -> Self {
        Self {
            socket,
            counts: false,
            is_open: false,
        }
    }

    /// From here on what is said counts.
    pub const fn begin(&mut self) {
        self.counts = true;
    }

    fn open(&mut self) {
        if self.counts && !self.is_open {
            self.is_open = true;
            close_is_reset(&self.socket, true);
        }
    }
}

impl AsyncRead for Outside {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Outside {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.open();
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.open();
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = ready!(Pin::new(&mut self.socket).poll_shutdown(cx));
        self.is_open = false;
        close_is_reset(&self.socket, false);
        Poll::Ready(ended)
    }
}
