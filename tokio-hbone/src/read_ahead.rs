use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::copy::COPIED;
use crate::pulse::Pulse;

/// An IO below TLS that reads more at once than TLS asks for, which is a record at most.
///
/// A read costs the kernel more than the copying of a record: the fixed price of the call, and often an acknowledgement. So
/// records come out of a buffer here, which grows with the traffic and goes when there is none.
///
/// It also makes its reader pause now and then in a long run of bytes. Whoever has to pass them on gets to do so while they are in
/// the processor's cache, and other connections get their turn.
///
/// Writes pass through. What a full socket takes again is a sign of life of the peer.
#[derive(Debug)]
pub(crate) struct ReadAhead<IO> {
    io: IO,
    /// What has been read and not been asked for yet.
    ahead: BytesMut,
    /// How much the next read may bring.
    size: usize,
    /// How much the reader may still have before it pauses.
    turn: usize,
    pulse: Pulse,
    /// It has refused bytes of ours, and not taken any since.
    is_full: bool,
}

/// The reads of a connection with little traffic.
const SMALLEST: usize = 8 << 10;
/// What a busy connection holds: what a busy peer sends in one go, which is [`COPIED`] and what HTTP/2 and TLS add to it, so that it
/// comes in one go, too.
const LARGEST: usize = COPIED + COPIED / 4;
/// How much comes out in a row: all of that.
const TURN: usize = LARGEST;

impl<IO> ReadAhead<IO> {
    pub(crate) fn new(io: IO, pulse: Pulse) -> Self {
        Self {
            io,
            ahead: BytesMut::new(),
            size: SMALLEST,
            turn: TURN,
            pulse,
            is_full: false,
        }
    }

    fn noticed<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match written {
            // What it had refused it takes only when the peer's host has acknowledged what came before.
            Poll::Ready(Ok(_)) if std::mem::take(&mut self.is_full) => self.pulse.beat(),
            Poll::Ready(_) => {}
            Poll::Pending => self.is_full = true,
        }
        written
    }
}

impl<IO: AsyncRead + Unpin> ReadAhead<IO> {
    /// The read after a pause, for which there is no buffer yet: mostly there is nothing, or no more than is asked for.
    fn poll_first(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut space = [MaybeUninit::uninit(); SMALLEST];
        let mut read = ReadBuf::uninit(&mut space);
        let Poll::Ready(outcome) = Pin::new(&mut self.io).poll_read(cx, &mut read) else {
            self.pause();
            return Poll::Pending;
        };
        outcome?;
        let read = read.filled();
        if read.len() == SMALLEST {
            self.size = 2 * SMALLEST;
        }
        let (asked, ahead) = read.split_at(read.len().min(buf.remaining()));
        buf.put_slice(asked);
        self.ahead.extend_from_slice(ahead);
        self.turn = self.turn.saturating_sub(asked.len());
        Poll::Ready(Ok(()))
    }

    fn pause(&mut self) {
        self.ahead = BytesMut::new();
        self.size = SMALLEST;
        self.turn = TURN;
    }

    /// Reads what there is into the buffer, which is empty.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.try_reclaim(self.size) {
            // Not grown: that would copy what has been read.
            self.ahead = BytesMut::with_capacity(self.size);
        }
        let mut room = (&mut self.ahead).limit(self.size);
        let Poll::Ready(read) = pin!(self.io.read_buf(&mut room)).poll(cx) else {
            self.pause();
            return Poll::Pending;
        };
        if read? == self.size {
            self.size = (self.size * 2).min(LARGEST);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for ReadAhead<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.turn == 0 {
            self.turn = TURN;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.ahead.is_empty() && self.size == SMALLEST {
            return self.poll_first(cx, buf);
        }
        if self.ahead.is_empty() {
            ready!(self.poll_fill(cx))?;
        }
        let some = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead[..some]);
        self.ahead.advance(some);
        self.turn = self.turn.saturating_sub(some);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for ReadAhead<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.noticed(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.noticed(written)
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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use allocation_counter::measure;
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_reader_that_gets_nothing_or_little_costs_no_allocation() {
        let (mut far, near) = duplex(64);
        let mut io = ReadAhead::new(near, Pulse::default());
        let mut space = [0; 4096];
        let mut read = || {
            let mut buf = ReadBuf::new(&mut space);
            let polled =
                Pin::new(&mut io).poll_read(&mut Context::from_waker(Waker::noop()), &mut buf);
            (polled.is_ready(), buf.filled().len())
        };
        let mut got = (true, 0);
        let waiting = measure(|| got = read());
        assert_eq!((got, waiting.count_total), ((false, 0), 0));
        far.write_all(&[1; 40]).await.expect("room");
        let reading = measure(|| got = read());
        assert_eq!((got, reading.count_total), ((true, 40), 0));
    }
}
