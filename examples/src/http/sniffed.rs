use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::Protocol;

/// A connection of which the first bytes have been read already. They come first.
#[derive(Debug)]
pub struct Sniffed<IO> {
    first: Bytes,
    io: IO,
}

/// How much is read at once to find out.
const ENOUGH: usize = 64;

/// Finds out what is spoken on `io`. Who says nothing within `patience`, or ends at once, lets the server speak first, and so is no HTTP.
///
/// # Errors
/// The connection's.
pub async fn sniff<IO: AsyncRead + Unpin>(
    mut io: IO,
    patience: Duration,
) -> io::Result<(Protocol, Sniffed<IO>)> {
    let mut first = BytesMut::with_capacity(ENOUGH);
    let reading = async {
        loop {
            let read = io.read_buf(&mut first).await?;
            match Protocol::of(&first) {
                Some(protocol) => return io::Result::Ok(protocol),
                None if read == 0 || first.len() >= ENOUGH => return Ok(Protocol::Tcp),
                None => {}
            }
        }
    };
    let protocol = timeout(patience, reading).await;
    let protocol = protocol.unwrap_or(Ok(Protocol::Tcp))?;
    let first = first.freeze();
    Ok((protocol, Sniffed { first, io }))
}

impl<IO> Sniffed<IO> {
    /// A connection of which nothing was read.
    pub const fn untouched(io: IO) -> Self {
        Self {
            first: Bytes::new(),
            io,
        }
    }

    /// The connection.
    pub const fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// What was read of it, and the connection.
    pub fn into_parts(self) -> (Bytes, IO) {
        (self.first, self.io)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Sniffed<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let fits = self.first.len().min(buf.remaining());
        buf.put_slice(self.first.get(..fits).unwrap_or_default());
        self.first.advance(fits);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Sniffed<IO> {
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
