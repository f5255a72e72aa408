mod reading;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{RecvStream, SendStream, StreamId};
use hbone::{Cut, Half, Lifecycle, Loss, Reason, Role, SocketAction, StreamAction, TunnelError};
use tokio::runtime::Handle;

use super::Ends;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::unread::Unread;
use crate::connection::Hold;
use crate::observe::{TunnelInfo, TunnelLog};
use crate::observed::Failure;
use crate::pool::Lease;
use crate::tending::{Place, Tending};

/// The two h2 halves of one CONNECT stream, and the [`Lifecycle`] that says what their events mean.
pub(crate) struct TunnelIo {
    ends: Arc<Mutex<Ends>>,
    id: StreamId,
    tending: Tending,
    /// What has been taken from h2 and not yet been read; its share of the window is still held.
    unread: Unread,
    life: Lifecycle,
    /// The writer learnt of a reset that the reader has not reached yet: bytes, even the end of file, may lie before it.
    stopped: Option<Reason>,
    failure: Failure,
    log: TunnelLog,
    /// At a server, our place in the roster of the connection, until both halves are over.
    hold: Option<Hold>,
    /// Its place on a pooled connection; last, so that the stream is reset before the place is free.
    lease: Option<Lease>,
}

impl TunnelIo {
    pub(crate) fn new(
        role: Role,
        send: SendStream<Bytes>,
        receive: RecvStream,
        failure: Failure,
        tending: Tending,
        log: TunnelLog,
    ) -> Self {
        let life = Lifecycle::new(role);
        let id = send.stream_id();
        let (inbound, outbound) = (Inbound::new(receive), Outbound::new(send));
        let ends = Arc::new(Mutex::new(Ends { inbound, outbound }));
        tending.enter(&ends);
        Self {
            ends,
            id,
            tending,
            unread: Unread::default(),
            life,
            stopped: None,
            failure,
            log,
            hold: None,
            lease: None,
        }
    }

    /// The same, in the roster of a connection until it is dropped.
    pub(crate) fn held_by(mut self, hold: Hold) -> Self {
        self.hold = Some(hold);
        self
    }

    /// The place that it has in a pool, as long as it has one.
    pub(crate) const fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// The same, on a place of a pooled connection, which it gives back when both halves are over or it is dropped.
    pub(crate) fn leased(mut self, lease: Lease) -> Self {
        self.lease = Some(lease);
        self
    }

    pub(super) fn info(&self) -> TunnelInfo {
        self.log.info()
    }

    /// How much of `wanted` can be sent now; at least 1 if it is ready and `wanted` is not 0.
    pub(crate) fn poll_room(
        &mut self,
        cx: &mut Context<'_>,
        wanted: usize,
    ) -> Poll<Result<usize, TunnelError>> {
        self.must_be_writable()?;
        let polled = self.ends().outbound.poll_room(cx, wanted);
        let Poll::Ready(room) = polled else {
            self.log.waits();
            return Poll::Pending;
        };
        match room {
            Some(Ok(room)) => {
                self.log.goes_on();
                Poll::Ready(Ok(room))
            }
            Some(Err(error)) => Poll::Ready(Err(self.writer_failed(&error))),
            None => self.poll_stopped(cx).map(Err),
        }
    }

    /// Ready unless the connection has enough to send for now.
    pub(crate) fn poll_turn(&self, place: &mut Place, cx: &Context<'_>) -> Poll<()> {
        self.tending.poll_turn(self.id, place, cx)
    }

    /// Whoever waited for room has gone away: nothing is set aside for it any more.
    pub(super) fn wants_no_room(&self) {
        self.ends().outbound.ask_for_nothing();
    }

    /// Ready once the peer takes no more bytes, with the reason. For a writer that has nothing to write and would not
    /// notice.
    pub(crate) fn poll_stopped(&mut self, cx: &mut Context<'_>) -> Poll<TunnelError> {
        let reset = ready!(self.ends().outbound.poll_reset(cx));
        Poll::Ready(match reset {
            Ok(reason) => match self.ended_here() {
                Some(end) => self.end(end),
                None => self.writer_stopped(Reason::from_wire(reason.into())),
            },
            Err(error) => self.writer_failed(&error),
        })
    }

    /// Sends bytes for which [`poll_room`](Self::poll_room) has found room: at once, or with those that follow until the
    /// ones before them are out.
    pub(crate) fn send(&mut self, chunk: Bytes) -> Result<(), TunnelError> {
        let bytes = chunk.len();
        let sent = Outbound::put(&self.ends, &self.tending, chunk);
        self.was_sent(bytes, sent)
    }

    /// The same with bytes that are not ours to keep.
    pub(crate) fn send_copy(&mut self, part: &[u8]) -> Result<(), TunnelError> {
        let sent = Outbound::put_copy(&self.ends, &self.tending, part);
        self.was_sent(part.len(), sent)
    }

    /// Ends our half behind the last byte.
    pub(crate) fn finish(&mut self) -> Result<(), TunnelError> {
        if self.life.outbound() == Half::Ended {
            return Ok(());
        }
        self.must_be_writable()?;
        self.life.finish();
        self.carry_out()
    }

    /// The socket behind the tunnel failed: the peer is told so.
    pub(crate) fn socket_failed(&mut self, kind: io::ErrorKind) -> TunnelError {
        self.life.handle_socket_error(kind);
        // It is broken either way; what else fails now says less.
        let _ = self.carry_out();
        TunnelError::Socket(kind)
    }

    /// Breaks the tunnel off.
    pub(crate) fn cut(&mut self, cut: Cut) {
        self.life.cut(cut);
        let _ = self.carry_out();
    }

    /// What the end of the tunnel means for the socket behind it.
    pub(crate) fn poll_socket(&mut self) -> Option<SocketAction> {
        self.life.poll_socket()
    }

    /// Whether our half has ended and the peer's has not.
    pub(super) fn awaits_peer(&self) -> bool {
        self.life.outbound() == Half::Ended && self.life.inbound().is_open()
    }

    /// Where the connection is driven.
    pub(super) fn runtime(&self) -> Option<&Handle> {
        self.tending.runtime()
    }

    /// Whether everything that was sent is on its way to the socket, where no reset overtakes it.
    pub(super) fn has_left(&self) -> bool {
        self.ends().outbound.has_left(self.tending.turn())
    }

    fn was_sent(&mut self, bytes: usize, sent: Result<(), h2::Error>) -> Result<(), TunnelError> {
        match sent {
            Ok(()) => {
                self.tending.queued(self.id, bytes);
                self.log.sent(bytes);
            }
            Err(error) => return Err(self.writer_failed(&error)),
        }
        Ok(())
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        Ends::lock(&self.ends)
    }

    fn must_be_writable(&self) -> Result<(), TunnelError> {
        match (self.stopped, self.life.outbound()) {
            (Some(reason), _) => Err(self.stop(reason)),
            (None, Half::Open) => Ok(()),
            (None, Half::Ended) => Err(TunnelError::Socket(io::ErrorKind::BrokenPipe)),
            (None, Half::Failed(error)) => Err(error),
        }
    }

    fn writer_failed(&mut self, error: &h2::Error) -> TunnelError {
        if let Some(end) = self.ended_here() {
            return self.end(end);
        }
        if let Some(reason) = error.reason().filter(|_| error.is_reset()) {
            return self.writer_stopped(Reason::from_wire(reason.into()));
        }
        self.fail(error);
        let broken = TunnelError::Lost(Loss::Closed);
        self.life.outbound().error().unwrap_or(broken)
    }

    /// What the tunnel is to make of its end, if it was ended from elsewhere at this side: it alone, or with its connection.
    fn ended_here(&self) -> Option<TunnelError> {
        let cut = self.hold.as_ref().and_then(Hold::was_cut);
        cut.map(TunnelError::Cut).or_else(|| self.failure.ended())
    }

    fn end(&mut self, end: TunnelError) -> TunnelError {
        match end {
            TunnelError::Cut(cut) => self.life.cut(cut),
            TunnelError::Lost(loss) => self.life.handle_lost(loss),
            _ => self.life.handle_lost(Loss::Closed),
        }
        self.life.outbound().error().unwrap_or(end)
    }

    fn writer_stopped(&mut self, reason: Reason) -> TunnelError {
        if self.stopped.replace(reason).is_none() {
            self.log.reset_received(reason);
        }
        self.stop(reason)
    }

    fn stop(&self, reason: Reason) -> TunnelError {
        match self.life.inbound() {
            Half::Ended => TunnelError::Stopped(reason),
            _ => TunnelError::Reset(reason),
        }
    }

    fn fail(&mut self, error: &h2::Error) {
        if let Some(end) = self.ended_here() {
            self.end(end);
            return;
        }
        match error
            .reason()
            .map(|reason| Reason::from_wire(reason.into()))
        {
            Some(reason) if error.is_reset() => {
                match error.is_remote() {
                    true if self.stopped.is_none() => self.log.reset_received(reason),
                    true => {}
                    false => self.log.reset_sent(reason),
                }
                self.life.handle_reset(reason);
            }
            _ => self.life.handle_lost(self.failure.loss(error)),
        }
    }

    /// How a tunnel went that is over.
    fn outcome(&self) -> Result<(), TunnelError> {
        let learnt_by_writer = self.stopped.map(|reason| self.stop(reason));
        let (inbound, outbound) = (self.life.inbound().error(), self.life.outbound().error());
        match learnt_by_writer.or(inbound).or(outbound) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn carry_out(&mut self) -> Result<(), TunnelError> {
        while let Some(action) = self.life.poll_stream() {
            match action {
                StreamAction::EndStream => {
                    let finished = self.ends().outbound.finish(self.tending.turn());
                    if let Err(error) = finished {
                        return Err(self.writer_failed(&error));
                    }
                }
                StreamAction::Reset(reason) => {
                    self.ends().outbound.reset(reason.to_wire().into());
                    // Who cuts from elsewhere has said so, and on a connection that we have ended nothing is sent.
                    if self.ended_here().is_none() {
                        self.log.reset_sent(reason);
                    }
                }
                _ => {}
            }
        }
        if self.life.is_over() {
            // Its owner may keep it for as long as it likes, and takes no place from others by that.
            self.lease = None;
            self.hold = None;
            self.log.closed(self.outcome());
        }
        Ok(())
    }
}

impl Drop for TunnelIo {
    fn drop(&mut self) {
        // Once our half has ended, what is queued is for the peer, and a reset would throw it away; see `Lingering`.
        if self.life.outbound().is_open() {
            self.cut(Cut::Abandoned);
        }
    }
}

impl fmt::Debug for TunnelIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = self.id;
        write!(f, "TunnelIo({stream:?}, {:?})", self.life)
    }
}
