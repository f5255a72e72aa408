//! An IO that makes everything as hard as an IO may.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::io::BoxIo;

/// An IO that moves few bytes a call, or fails for good at its Nth call.
pub(crate) struct TornIo {
    io: BoxIo,
    most: usize,
    /// Which kind of call fails; `None` for all of them.
    failing: Option<Call>,
    /// How many of them do not.
    calls_left: usize,
    /// For each kind of call whether its next is made in vain: the first, and then each that follows one which came to something. They
    /// take turns by themselves, or who always reads and flushes in one go would never read; and where nothing moves, nobody is woken,
    /// or time would stand still for whoever waits for its end.
    in_vain: [bool; 4],
}

/// What an IO is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
    Flush,
    Shutdown,
}

impl TornIo {
    /// What is called for must be called for twice, and moves at most `most` bytes.
    pub(crate) const fn slow(io: BoxIo, most: usize) -> Self {
        Self {
            io,
            most,
            failing: None,
            calls_left: usize::MAX,
            in_vain: [true; 4],
        }
    }

    /// From call number `number` on, counted from 0, calls of this kind fail, or all do. Only those that fail are counted.
    pub(crate) const fn failing_at(io: BoxIo, call: Option<Call>, number: usize) -> Self {
        Self {
            io,
            most: usize::MAX,
            failing: call,
            calls_left: number,
            in_vain: [false; 4],
        }
    }

    /// Makes a call, if it is not to fail nor to be in vain.
    fn call<T>(
        &mut self,
        call: Call,
        cx: &mut Context<'_>,
        make: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.failing.is_none_or(|failing| failing == call) {
            if self.calls_left == 0 {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            self.calls_left -= 1;
        }
        let is_slow = self.most != usize::MAX;
        if is_slow && std::mem::take(&mut self.in_vain[call as usize]) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let made = make(self, cx);
        self.in_vain[call as usize] = made.is_ready();
        made
    }
}

impl AsyncRead for TornIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.call(Call::Read, cx, |this, cx| {
            let mut part = vec![0; this.most.min(buf.remaining())];
            let mut part = ReadBuf::new(&mut part);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut part))?;
            buf.put_slice(part.filled());
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for TornIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.call(Call::Write, cx, |this, cx| {
            let most = this.most.min(buf.len());
            Pin::new(&mut this.io).poll_write(cx, &buf[..most])
        })
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.call(Call::Flush, cx, |this, cx| {
            Pin::new(&mut this.io).poll_flush(cx)
        })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.call(Call::Shutdown, cx, |this, cx| {
            Pin::new(&mut this.io).poll_shutdown(cx)
        })
    }
}
