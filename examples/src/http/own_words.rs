use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::body::{Body, BodyError};
use super::interim::Interim;
use super::progress::Progress;

/// A connection of HTTP/1 on which hyper says nothing of its own accord, and what it has no way for is said in its stead.
///
/// What it cannot read as a request it answers by itself, in two words, and tells nobody. Whatever it writes while no request is there to
/// be answered is that: it is thrown away here, and the connection stays open, so that the refusal can be said in words of ours.
///
/// What the server says before its answer is written between two things that hyper says.
///
/// hyper does not listen to a client while it answers, which may be gone by then. One that resets the connection is; one that ends its
/// half may have said all that it has to say, and is answered, as long as something can be said to it now and then.
#[derive(Debug)]
pub(super) struct OwnWords<IO> {
    io: IO,
    floor: Floor,
    is_withheld: bool,
    interim: Interim,
    /// What of it is being written.
    saying: Bytes,
    /// Whether hyper has written all that it had.
    is_between: bool,
    /// How long nothing may be said to a client that has ended its half.
    patience: Duration,
    ended: Option<Pin<Box<Sleep>>>,
    /// What it has said meanwhile.
    ahead: BytesMut,
}

/// Who has the floor on a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Floor {
    who: Arc<AtomicU8>,
    /// How far the request is that is being answered.
    request: Arc<Mutex<Option<Arc<Progress>>>>,
}

/// The body of an answer; when it is dropped, hyper has all of it.
#[derive(Debug)]
pub(super) struct Speech {
    body: Body,
    floor: Floor,
}

/// Nobody: every request has its answer.
const QUIET: u8 = 0;
/// A request is being answered.
const ANSWERING: u8 = 1;
/// All of the answer is with hyper, which may not have written it yet.
const ANSWERED: u8 = 2;
/// The connection is not HTTP any more.
const SWITCHED: u8 = 3;

impl<IO> OwnWords<IO> {
    /// Somebody who has ended his half and to whom nothing could be said for as long as `patience` is gone.
    pub(super) fn new(io: IO, floor: Floor, interim: Interim, patience: Duration) -> Self {
        Self {
            io,
            floor,
            is_withheld: false,
            interim,
            saying: Bytes::new(),
            is_between: true,
            patience,
            ended: None,
            ahead: BytesMut::new(),
        }
    }

    pub(super) fn into_inner(self) -> IO {
        self.io
    }

    /// Whether hyper wanted to say something, and the client waits for it.
    pub(super) const fn is_withheld(&self) -> bool {
        self.is_withheld
    }

    /// Something could be said to it.
    fn handle_said(&mut self) {
        if let Some(ended) = &mut self.ended {
            ended.as_mut().reset(Instant::now() + self.patience);
        }
    }
}

impl<IO: AsyncWrite + Unpin> OwnWords<IO> {
    /// Says what is to be said before the answer, if this is not in the middle of another one; then it is too late.
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.saying.is_empty() {
            let waiting = self.interim.take();
            if self.is_between {
                self.saying = waiting;
            }
        }
        while !self.saying.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.saying))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.saying.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> OwnWords<IO> {
    /// Listens to the client while it is being answered: fails if it is gone.
    fn listen(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.floor.is_answering() || !self.ahead.is_empty() {
            return Ok(());
        }
        if self.ended.is_none() {
            let io = Pin::new(&mut self.io);
            let Poll::Ready(read) = poll_read_buf(io, cx, &mut self.ahead) else {
                return Ok(());
            };
            if read? > 0 {
                return Ok(());
            }
        }
        let patience = self.patience;
        let ended = self.ended.get_or_insert_with(|| Box::pin(sleep(patience)));
        if ended.as_mut().poll(cx).is_pending() {
            return Ok(());
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

impl Floor {
    /// A request has come, of which `progress` tells.
    pub(super) fn take(&self, progress: Arc<Progress>) {
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        self.who.store(ANSWERING, Ordering::Relaxed);
    }

    /// The answer is the last of HTTP on the connection.
    pub(super) fn leave(&self) {
        self.who.store(SWITCHED, Ordering::Relaxed);
    }

    /// The answer, as whose end the floor is given back.
    pub(super) fn speech(&self, body: Body) -> Speech {
        Speech {
            body,
            floor: self.clone(),
        }
    }

    fn pass(&self, from: u8, to: u8) {
        // It may be somewhere else by now, and stays there.
        let _ = self
            .who
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn is_quiet(&self) -> bool {
        self.who.load(Ordering::Relaxed) == QUIET
    }

    /// Whether a request is being answered of which nothing more is to come.
    fn is_answering(&self) -> bool {
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(self.who.load(Ordering::Relaxed), ANSWERING | ANSWERED)
            && request.as_ref().is_some_and(|request| request.is_whole())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for OwnWords<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let fits = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(fits));
            return Poll::Ready(Ok(()));
        }
        if self.ended.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for OwnWords<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.floor.is_quiet() {
            self.is_withheld = true;
            return Poll::Ready(Ok(buf.len()));
        }
        ready!(self.poll_interim(cx))?;
        self.is_between = false;
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.handle_said();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.floor.is_quiet() {
            self.is_withheld = true;
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        ready!(self.poll_interim(cx))?;
        self.is_between = false;
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, bufs))?;
        self.handle_said();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// hyper flushes what is below when it has written all that it has.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_between = true;
        self.interim.wake(cx.waker());
        ready!(self.poll_interim(cx))?;
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        self.floor.pass(ANSWERED, QUIET);
        Poll::Ready(self.listen(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_withheld {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Reads a little more.
fn poll_read_buf<IO: AsyncRead>(
    io: Pin<&mut IO>,
    cx: &mut Context<'_>,
    ahead: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let mut room = [0; 1024];
    let mut buf = ReadBuf::new(&mut room);
    ready!(io.poll_read(cx, &mut buf))?;
    ahead.extend_from_slice(buf.filled());
    Poll::Ready(Ok(buf.filled().len()))
}

impl HttpBody for Speech {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Speech {
    fn drop(&mut self) {
        self.floor.pass(ANSWERING, ANSWERED);
    }
}
