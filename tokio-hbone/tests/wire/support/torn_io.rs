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
    /// For each kind of call whether its next is made in vain. They take turns by themselves: who always reads and
    /// flushes in one go would otherwise never read.
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
    /// Every second call must be made again, and each moves at most `most` bytes.
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

    fn call(&mut self, call: Call, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.failing.is_none_or(|failing| failing == call) {
            if self.calls_left == 0 {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            self.calls_left -= 1;
        }
        if self.most != usize::MAX {
            let in_vain = self.in_vain[call as usize];
            self.in_vain[call as usize] = !in_vain;
            if in_vain {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for TornIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.call(Call::Read, cx))?;
        let mut part = vec![0; self.most.min(buf.remaining())];
        let mut part = ReadBuf::new(&mut part);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
        buf.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TornIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.call(Call::Write, cx))?;
        let most = self.most.min(buf.len());
        Pin::new(&mut self.io).poll_write(cx, &buf[..most])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.call(Call::Flush, cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.call(Call::Shutdown, cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
