use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The IO of a connection, which h2 flushes after every frame, and which does so only when its [`Flusher`] is asked: once for all
/// that the tunnels had to send.
#[derive(Debug)]
pub(crate) struct Batched<IO>(Arc<Mutex<Batch<IO>>>);

/// Sends what h2 has written. It does not keep the IO open.
#[derive(Debug)]
pub(crate) struct Flusher<IO>(Weak<Mutex<Batch<IO>>>);

#[derive(Debug)]
struct Batch<IO> {
    io: IO,
    /// Somebody has a flusher.
    is_held: bool,
    /// Something was written and not flushed yet.
    is_owed: bool,
    /// How a flush failed, which h2 does not know yet.
    failure: Option<io::Error>,
}

impl<IO> Batched<IO> {
    /// As long as there is no [`Flusher`], a flush is one.
    pub(crate) fn new(io: IO) -> Self {
        Self(Arc::new(Mutex::new(Batch {
            io,
            is_held: false,
            is_owed: false,
            failure: None,
        })))
    }

    /// What is to be asked from now on, whenever h2 has been polled.
    pub(crate) fn flusher(&self) -> Flusher<IO> {
        Flusher(Arc::downgrade(&self.0))
    }

    fn lock(&self) -> io::Result<MutexGuard<'_, Batch<IO>>> {
        let mut batch = lock(&self.0);
        match batch.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(batch),
        }
    }
}

impl<IO: AsyncWrite + Unpin> Flusher<IO> {
    /// From now on, nothing is sent unless this is asked to, or there is no room for more.
    pub(crate) fn take_over(&self) {
        if let Some(batch) = self.0.upgrade() {
            lock(&batch).is_held = true;
        }
    }

    /// Sends what was written, as far as the socket takes it; the task is woken when it takes more, or if it failed, which h2 is
    /// told next.
    pub(crate) fn flush(&self, cx: &mut Context<'_>) {
        let Some(batch) = self.0.upgrade() else {
            return;
        };
        let mut batch = lock(&batch);
        if !batch.is_owed {
            return;
        }
        if let Poll::Ready(flushed) = Pin::new(&mut batch.io).poll_flush(cx) {
            batch.is_owed = false;
            if let Err(failure) = flushed {
                batch.failure = Some(failure);
                cx.waker().wake_by_ref();
            }
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Batched<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock()?.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Batched<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut batch = self.lock()?;
        batch.is_owed = true;
        Pin::new(&mut batch.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut batch = self.lock()?;
        batch.is_owed = true;
        Pin::new(&mut batch.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        lock(&self.0).io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut batch = self.lock()?;
        if batch.is_held {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut batch.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock()?.io).poll_shutdown(cx)
    }
}

/// It is held for the length of a call that does not block. After a panic in one, the connection is dropped with its task.
fn lock<IO>(batch: &Mutex<Batch<IO>>) -> MutexGuard<'_, Batch<IO>> {
    batch.lock().unwrap_or_else(PoisonError::into_inner)
}
