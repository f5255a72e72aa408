//! The half of a tunnel that is read.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hbone::{Half, TunnelError};

use super::TunnelIo;
use crate::tunnel::unread::Unread;

impl TunnelIo {
    /// The next bytes, left where they are; `None` at the end of file.
    pub(crate) fn poll_peek(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<&[u8]>, TunnelError>> {
        let more = ready!(self.poll_fill(cx))?;
        Poll::Ready(Ok(more.then_some(self.unread.first())))
    }

    /// The same with what has come behind them, as far as it is worth the while.
    pub(crate) fn poll_peek_far(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<&Unread>, TunnelError>> {
        let more = ready!(self.poll_fill(cx))?;
        while more && self.unread.has_room() {
            // An end or a failure stays in h2, and is found again behind the bytes.
            let next = self.ends().inbound.poll_data(cx);
            let Poll::Ready(Some(Ok(chunk))) = next else {
                break;
            };
            self.unread.push(chunk);
        }
        Poll::Ready(Ok(more.then_some(&self.unread)))
    }

    /// The first `some` of the bytes that were peeked at are read: their share of the window is given back.
    pub(crate) fn consume(&mut self, some: usize) {
        let some = self.unread.advance(some);
        self.release(some);
    }

    /// The next bytes, whose share of the window is given back at once.
    pub(in crate::tunnel) fn poll_read_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, TunnelError>> {
        if !ready!(self.poll_fill(cx))? {
            return Poll::Ready(Ok(None));
        }
        let chunk = self.unread.take();
        self.release(chunk.len());
        Poll::Ready(Ok(Some(chunk)))
    }

    /// Throws away what comes until the peer's half has ended.
    pub(in crate::tunnel) fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), TunnelError>> {
        while ready!(self.poll_read_chunk(cx))?.is_some() {}
        Poll::Ready(Ok(()))
    }

    /// Whether there is something unread; `false` at the end of file.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, TunnelError>> {
        while self.unread.is_empty() {
            match self.life.inbound() {
                Half::Open => {}
                Half::Ended => return Poll::Ready(Ok(false)),
                Half::Failed(error) => return Poll::Ready(Err(error)),
            }
            let next = self.ends().inbound.poll_data(cx);
            if next.is_pending() {
                self.unread.rest();
            }
            match ready!(next) {
                Some(Ok(chunk)) => self.unread.push(chunk),
                Some(Err(error)) => self.fail(&error),
                None => {
                    let trailers = self.ends().inbound.poll_trailers(cx);
                    match ready!(trailers) {
                        Ok(false) => self.life.handle_end_stream(),
                        Ok(true) => self.life.handle_trailers(),
                        Err(error) => self.fail(&error),
                    }
                }
            }
            if let (Some(reason), Half::Ended) = (self.stopped, self.life.inbound()) {
                self.life.handle_reset(reason);
            }
            // What is owed to the stream after a failure cannot fail in a way that says more.
            let _ = self.carry_out();
        }
        Poll::Ready(Ok(true))
    }

    fn release(&mut self, some: usize) {
        self.log.received(some);
        self.ends().inbound.release(some);
    }
}
