use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{client, server};

use crate::copy::COPIED;

/// A TLS stream whose writes only encrypt. A flush sends what has gathered, in one go, and so does a write that finds no room.
#[derive(Debug)]
pub(crate) struct Sealed<S>(S);

/// What the TLS stream of either side has in common.
pub(crate) trait Session: AsyncRead + AsyncWrite + Unpin {
    /// Encrypts what is written to it, as far as there is room for it.
    fn writer(&mut self) -> rustls::Writer<'_>;

    /// How many encrypted bytes may wait for the socket.
    fn set_room(&mut self, bytes: usize);
}

/// What may have been given to HTTP/2 for one flush: a turn that was as good as full when the last chunk of a tunnel came, and what
/// HTTP/2 and TLS add. So that a turn leaves in one write. A connection to a peer that does not read holds so much.
const ROOM: usize = 2 * COPIED + COPIED / 4;

impl<S: Session> Sealed<S> {
    pub(crate) fn new(mut session: S) -> Self {
        session.set_room(ROOM);
        Self(session)
    }

    fn poll_seal(
        &mut self,
        cx: &mut Context<'_>,
        mut seal: impl FnMut(&mut rustls::Writer<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let sealed = seal(&mut self.0.writer())?;
            if sealed > 0 {
                return Poll::Ready(Ok(sealed));
            }
            ready!(Pin::new(&mut self.0).poll_flush(cx))?;
        }
    }
}

impl<S: Session> AsyncRead for Sealed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: Session> AsyncWrite for Sealed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_seal(cx, |writer| writer.write(buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll_seal(cx, |writer| writer.write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Session for client::TlsStream<IO> {
    fn writer(&mut self) -> rustls::Writer<'_> {
        self.get_mut().1.writer()
    }

    fn set_room(&mut self, bytes: usize) {
        self.get_mut().1.set_buffer_limit(Some(bytes));
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Session for server::TlsStream<IO> {
    fn writer(&mut self) -> rustls::Writer<'_> {
        self.get_mut().1.writer()
    }

    fn set_room(&mut self, bytes: usize) {
        self.get_mut().1.set_buffer_limit(Some(bytes));
    }
}
