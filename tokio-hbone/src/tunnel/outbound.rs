use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use h2::{Reason, SendStream, StreamId};

use super::Ends;
use crate::tending::Tending;

/// The half from us to the peer. While something of it is on its way to the socket, small writes are put together, and leave
/// as one frame as soon as that is out. Otherwise a write leaves at once.
///
/// Specification: HBONE-L-007, HBONE-L-010.
pub(crate) struct Outbound {
    send: SendStream<Bytes>,
    /// What is held back. It has its share of the window already.
    held: BytesMut,
    /// The turn in which something was last given to h2.
    queued_in: Option<u64>,
    /// The driver will come by, for what is held.
    is_awaited: bool,
    /// How much of the window has been asked for, beside what is queued and held.
    asked: usize,
    /// Somebody waits for a reset.
    is_watched: bool,
}

/// How much is held at most: the payload of a frame that every peer takes (RFC 9113 section 4.2).
const MOST: usize = 16 << 10;
/// How much of the window is asked for at once, which is far more than is queued.
const MOST_ASKED: usize = 1 << 30;
/// Up to here it is cheaper to copy bytes that could be handed through than to frame them by themselves.
const SMALL: usize = 1 << 10;

impl Outbound {
    pub(super) fn new(send: SendStream<Bytes>) -> Self {
        Self {
            send,
            held: BytesMut::new(),
            queued_in: None,
            is_awaited: false,
            asked: 0,
            is_watched: false,
        }
    }

    pub(super) fn stream_id(&self) -> StreamId {
        self.send.stream_id()
    }

    /// How much of `wanted` can be sent now; at least 1 if `wanted` is not 0. `None` if the peer takes no more.
    pub(super) fn poll_room(
        &mut self,
        cx: &mut Context<'_>,
        wanted: usize,
    ) -> Poll<Option<Result<usize, h2::Error>>> {
        if std::mem::take(&mut self.is_watched) {
            // h2 has one waker a stream, for resets and for room, and calls it for the room that is asked for here. Whoever asks is
            // awake, and would be polled once more for nothing.
            let _ = self
                .send
                .poll_reset(&mut Context::from_waker(Waker::noop()));
        }
        loop {
            self.ask(wanted);
            let room = self.send.capacity().saturating_sub(self.held.len());
            if room > 0 || wanted == 0 {
                return Poll::Ready(Some(Ok(room.min(wanted))));
            }
            // Whoever waits may be dropped and never come back. What is set aside until then must not be missed by the other
            // tunnels: a byte is enough to be woken.
            self.ask(1);
            match ready!(self.send.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Nobody waits for room any more.
    pub(super) fn ask_for_nothing(&mut self) {
        self.ask(0);
    }

    pub(super) fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reason, h2::Error>> {
        self.is_watched = true;
        self.send.poll_reset(cx)
    }

    /// Takes over bytes for which there is room.
    pub(super) fn put(
        ends: &Arc<Mutex<Ends>>,
        tending: &Tending,
        chunk: Bytes,
    ) -> Result<(), h2::Error> {
        let this = &mut Ends::lock(ends).outbound;
        if chunk.len() <= SMALL && this.must_hold(ends, tending) {
            this.hold(&chunk, tending)
        } else {
            this.queue(chunk, tending)
        }
    }

    /// The same with bytes that have to be copied anyhow.
    pub(super) fn put_copy(
        ends: &Arc<Mutex<Ends>>,
        tending: &Tending,
        part: &[u8],
    ) -> Result<(), h2::Error> {
        let this = &mut Ends::lock(ends).outbound;
        if part.len() < MOST && this.must_hold(ends, tending) {
            this.hold(part, tending)
        } else {
            this.queue(Bytes::copy_from_slice(part), tending)
        }
    }

    /// Ends the half behind the last byte.
    pub(super) fn finish(&mut self, turn: u64) -> Result<(), h2::Error> {
        self.queued_in = Some(turn);
        let last = std::mem::take(&mut self.held).freeze();
        self.send.send_data(last, true)
    }

    /// Whether everything has left h2 before this `turn`.
    pub(super) fn has_left(&self, turn: u64) -> bool {
        self.held.is_empty() && self.queued_in.is_none_or(|queued_in| queued_in < turn)
    }

    pub(super) fn reset(&mut self, reason: Reason) {
        self.held = BytesMut::new();
        self.send.send_reset(reason);
    }

    /// The driver comes by: what was in the way is out. `true` if something follows it.
    pub(crate) fn let_go(&mut self, turn: u64) -> bool {
        self.is_awaited = false;
        // A stream that takes no more says so to its writer.
        self.queue_held(turn).unwrap_or(false)
    }

    /// Whether something of this stream is still on its way, and the driver will come by once it is out.
    fn must_hold(&mut self, ends: &Arc<Mutex<Ends>>, tending: &Tending) -> bool {
        if !self.is_awaited
            && let Some(turn) = self.queued_in
        {
            self.is_awaited = turn == tending.turn() && tending.hold(ends, turn);
        }
        self.is_awaited
    }

    fn hold(&mut self, part: &[u8], tending: &Tending) -> Result<(), h2::Error> {
        if self.held.len() + part.len() > MOST {
            self.queue_held(tending.turn())?;
        }
        self.held.extend_from_slice(part);
        self.took(part.len());
        Ok(())
    }

    fn queue(&mut self, chunk: Bytes, tending: &Tending) -> Result<(), h2::Error> {
        // The turn is looked at first: if it ends before the frame is queued, at worst the next write does not wait for it.
        let turn = tending.turn();
        self.queue_held(turn)?;
        let some = chunk.len();
        self.queued_in = Some(turn);
        self.send.send_data(chunk, false)?;
        self.took(some);
        Ok(())
    }

    fn queue_held(&mut self, turn: u64) -> Result<bool, h2::Error> {
        if self.held.is_empty() {
            return Ok(false);
        }
        let held = std::mem::take(&mut self.held).freeze();
        self.queued_in = Some(turn);
        self.send.send_data(held, false)?;
        Ok(true)
    }

    /// So much has found its place. What was asked for beyond it goes to others.
    fn took(&mut self, some: usize) {
        self.asked = self.asked.saturating_sub(some);
        if self.asked > 0 {
            self.ask(0);
        }
    }

    fn ask(&mut self, wanted: usize) {
        // h2 counts in 32 bits, and would take four gibibytes for nothing.
        self.asked = wanted.min(MOST_ASKED);
        self.send.reserve_capacity(self.asked + self.held.len());
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stream, held) = (self.stream_id(), self.held.len());
        write!(f, "Outbound({stream:?}, {held} bytes held)")
    }
}
