use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hbone::TunnelError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Tunnel;

/// The reading half of a [`Tunnel`], for a task of its own; see [`Tunnel::into_split`].
#[derive(Debug)]
pub struct TunnelReader(Shared);

/// The writing half of a [`Tunnel`], for a task of its own; see [`Tunnel::into_split`].
#[derive(Debug)]
pub struct TunnelWriter(Shared);

/// Held for the length of a poll, never while anybody waits.
#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<Tunnel>>);

impl Shared {
    fn tunnel(&self) -> MutexGuard<'_, Tunnel> {
        // What a panic left behind is still a tunnel, whose state is kept by h2.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tunnel {
    /// Two halves that two tasks can own. The tunnel is over when both are dropped, and then as it says of itself: it is reset
    /// unless our half has ended. To drop the writer does not end our half, so that what was cut short never passes for whole;
    /// [`shutdown`](tokio::io::AsyncWriteExt::shutdown) does.
    #[must_use]
    pub fn into_split(self) -> (TunnelReader, TunnelWriter) {
        let shared = Shared(Arc::new(Mutex::new(self)));
        (TunnelReader(shared.clone()), TunnelWriter(shared))
    }
}

impl TunnelReader {
    /// As [`Tunnel::read_chunk`].
    ///
    /// # Errors
    /// [`TunnelError`] if the tunnel broke before its end.
    pub async fn read_chunk(&mut self) -> Result<Option<Bytes>, TunnelError> {
        std::future::poll_fn(|cx| self.0.tunnel().io()?.poll_read_chunk(cx)).await
    }

    /// The tunnel again, or both halves if they are not of one tunnel.
    ///
    /// # Errors
    /// The halves as they were.
    pub fn reunite(self, writer: TunnelWriter) -> Result<Tunnel, (Self, TunnelWriter)> {
        if !Arc::ptr_eq(&self.0.0, &writer.0.0) {
            return Err((self, writer));
        }
        drop(writer);
        match Arc::try_unwrap(self.0.0) {
            Ok(tunnel) => Ok(tunnel.into_inner().unwrap_or_else(PoisonError::into_inner)),
            // There are only ever two halves, and this is the last one.
            Err(shared) => Err((
                Self(Shared(Arc::clone(&shared))),
                TunnelWriter(Shared(shared)),
            )),
        }
    }
}

impl TunnelWriter {
    /// As [`Tunnel::write_chunk`].
    ///
    /// # Errors
    /// [`TunnelError`] if the peer takes no more; how much of `chunk` it got is unknown then.
    pub async fn write_chunk(&mut self, mut chunk: Bytes) -> Result<(), TunnelError> {
        let writing = Writing(&self.0);
        while !chunk.is_empty() {
            let some = |cx: &mut Context<'_>| -> Poll<Result<(), TunnelError>> {
                let mut tunnel = writing.0.tunnel();
                let io = tunnel.io()?;
                let room = std::task::ready!(io.poll_room(cx, chunk.len()))?;
                Poll::Ready(io.send(chunk.split_to(room)))
            };
            std::future::poll_fn(some).await?;
        }
        Ok(())
    }
}

/// A write that, once it is given up, has no part of the window set aside any more.
struct Writing<'a>(&'a Shared);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if let Ok(io) = self.0.tunnel().io() {
            io.wants_no_room();
        }
    }
}

impl AsyncRead for TunnelReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.tunnel()).poll_read(cx, buf)
    }
}

impl AsyncWrite for TunnelWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.tunnel()).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.tunnel()).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.tunnel().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.tunnel()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.tunnel()).poll_shutdown(cx)
    }
}
