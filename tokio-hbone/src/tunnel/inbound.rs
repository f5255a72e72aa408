use std::fmt;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::RecvStream;

use super::stash::Stash;

/// The half from the peer to us: h2's queue, and in front of it what was taken out before somebody read it.
pub(crate) struct Inbound {
    receive: RecvStream,
    stash: Stash,
    /// Trailers have come behind what is in the stash, and are gone.
    has_trailers: bool,
    /// Whoever waits for more. h2 knows only the last who asked.
    reader: Option<Waker>,
}

impl Inbound {
    pub(super) fn new(receive: RecvStream) -> Self {
        Self {
            receive,
            stash: Stash::new(),
            has_trailers: false,
            reader: None,
        }
    }

    /// The next bytes, whose share of the window is still held; `None` at their end, or at trailers.
    pub(super) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, h2::Error>>> {
        if let Some(chunk) = self.stash.pop() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        if self.has_trailers {
            return Poll::Ready(None);
        }
        let next = self.receive.poll_data(cx);
        self.remember(cx, next.is_pending());
        next
    }

    /// Whether there are trailers behind the last byte.
    pub(super) fn poll_trailers(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, h2::Error>> {
        if self.has_trailers {
            return Poll::Ready(Ok(true));
        }
        let trailers = self.receive.poll_trailers(cx);
        self.remember(cx, trailers.is_pending());
        trailers.map_ok(|trailers| trailers.is_some())
    }

    /// Gives so much of the window back.
    pub(super) fn release(&mut self, some: usize) {
        // It fails only for more than was received, or on a stream that is gone and needs no window.
        let _ = self.receive.flow_control().release_capacity(some);
    }

    /// Puts together what waits for a reader, so that it costs no more than its bytes. These still take up the window. Trailers take up
    /// none, and keep several times their size: that they are there is all that anybody has to know.
    pub(crate) fn gather(&mut self) {
        // To find nothing must leave the reader where it is: with h2, to be woken.
        let reader = self.reader.as_ref().unwrap_or(Waker::noop());
        let mut cx = Context::from_waker(reader);
        // An end or a failure stays in h2, and is found again behind the bytes.
        let end = loop {
            match self.receive.poll_data(&mut cx) {
                Poll::Ready(Some(Ok(chunk))) => self.stash.push(chunk),
                end => break end,
            }
        };
        if let Poll::Ready(None) = end
            && let Poll::Ready(Ok(Some(_))) = self.receive.poll_trailers(&mut cx)
        {
            self.has_trailers = true;
        }
    }

    fn remember(&mut self, cx: &Context<'_>, waits: bool) {
        if waits {
            match &mut self.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inbound({:?})", self.stash)
    }
}
