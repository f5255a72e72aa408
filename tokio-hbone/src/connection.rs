//! One client's connection to us.

mod addresses;
mod config;
mod ending;
mod lifetime;
mod orders;
mod roster;
mod waste;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use hbone::{
    Admission, Connect, Cut, Drain, DrainAction, DrainEnd, Identity, Loss, Reject, Role,
    TunnelError,
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::alarm::Alarm;
use crate::answering::{Answering, refuse};
use crate::deadline::now;
use crate::heartbeat::Heartbeat;
use crate::incoming::Incoming;
use crate::observe::OpenConnection;
use crate::observed::{Failure, Watched};
use crate::pulse::Pulse;
use crate::tending::Tending;
use crate::tls::LivePeer;
use crate::wire::{ServerFlusher, ServerWire};
pub use addresses::Addresses;
pub use config::ConnectionConfig;
use ending::last_words;
use lifetime::Lifetime;
pub use orders::ConnectionHandle;
use orders::Orders;
pub(crate) use roster::Hold;
use roster::Roster;
pub use roster::TunnelHandle;
use waste::Waste;

type Request = (http::Request<RecvStream>, SendResponse<Bytes>);
pub(crate) type Http2<IO> = server::Connection<ServerWire<IO>, Bytes>;

/// One client's connection to us.
///
/// [`next`](Self::next) is also what moves the bytes of every tunnel on the connection, so call it in a loop and hand
/// each [`Incoming`] to a task of its own. It also asks a silent client whether it lives, ends a connection that nobody
/// uses, closes one that takes its CONNECTs back by the thousand, and drains.
pub struct Connection<IO> {
    /// `None` once it is over.
    http2: Option<Http2<IO>>,
    flusher: ServerFlusher<IO>,
    peer: LivePeer,
    addresses: Option<Addresses>,
    failure: Failure,
    open: OpenConnection,
    tending: Tending,
    config: ConnectionConfig,
    /// How many streams may be held at once, with some room for those that were reset and whose holder does not know yet.
    most_held: usize,
    /// So many were held when we last looked for a request.
    is_full: bool,
    roster: Roster,
    orders: Orders,
    heartbeat: Heartbeat,
    pulse: Pulse,
    drain: Drain,
    waste: Waste,
    lifetime: Lifetime,
    /// It drains because its lifetime is over; nobody has asked for it yet.
    is_retiring: bool,
    /// When the drain has to be over.
    drain_by: Option<Instant>,
    /// Until when the peer may take in our last words.
    closing: Option<Instant>,
    alarm: Alarm,
}

/// Streams whose holders have not noticed a reset yet.
const UNNOTICED: usize = 20;

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub(crate) fn new(
        mut http2: Http2<IO>,
        flusher: ServerFlusher<IO>,
        peer: LivePeer,
        io: &Watched,
        open: OpenConnection,
        concurrent_streams: u32,
        config: ConnectionConfig,
    ) -> Self {
        let now = now();
        let heartbeat = Heartbeat::new(config.keepalive, http2.ping_pong(), io.pulse.clone());
        let streams = usize::try_from(concurrent_streams).unwrap_or(usize::MAX);
        flusher.take_over();
        Self {
            http2: Some(http2),
            flusher,
            peer,
            addresses: None,
            failure: io.failure.clone(),
            open,
            tending: io.tending.clone(),
            config,
            most_held: streams.saturating_add(UNNOTICED),
            is_full: false,
            roster: Roster::default(),
            orders: Orders::default(),
            heartbeat,
            pulse: io.pulse.clone(),
            drain: Drain::new(Role::Server, config.drain),
            waste: Waste::new(&config, now),
            lifetime: Lifetime::new(&config, now),
            is_retiring: false,
            drain_by: None,
            closing: None,
            alarm: Alarm::default(),
        }
    }

    /// Who the client is, proved by the TLS handshake.
    #[must_use]
    pub const fn peer(&self) -> &Identity {
        self.peer.identity()
    }

    /// Ends the connection from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ConnectionHandle {
        self.orders.handle()
    }

    /// How the drain of the connection ended, once it has.
    #[must_use]
    pub fn drain_end(&self) -> Option<DrainEnd> {
        self.drain.end()
    }

    /// The next CONNECT, or `None` when the connection is over. Requests that are no CONNECT, or one that makes no
    /// sense, are answered here and do not come out. The future may be dropped at any point.
    pub async fn next(&mut self) -> Option<Incoming> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Begins to drain: the client is told to open nothing new here, what is open goes on, and [`next`](Self::next) ends
    /// when the last tunnel has (RFC 9113 section 6.8), or is cut when the deadline passes. A second call cuts what is
    /// left at once.
    pub fn drain(&mut self) {
        // Who asks first has not asked twice, though the drain is already under way.
        if std::mem::take(&mut self.is_retiring) {
            return;
        }
        let now = now();
        if self.drain_by.is_none() {
            self.drain_by = now.checked_add(self.config.drain.deadline);
        }
        self.drain.signal(now);
    }

    /// Sends the client away: GOAWAY with ENHANCE_YOUR_CALM, and nothing is served.
    pub(crate) async fn turn_away(mut self) {
        self.close(Reason::ENHANCE_YOUR_CALM, last_words());
        while self.next().await.is_some() {}
    }

    /// The same, with what is known of the sockets.
    #[must_use]
    pub(crate) const fn at(mut self, addresses: Option<Addresses>) -> Self {
        self.addresses = addresses;
        self
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        loop {
            self.obey(cx);
            let progress = match self.poll_http2(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => match self.admit(request, respond) {
                    Some(incoming) => return Poll::Ready(Some(incoming)),
                    None => true,
                },
                Poll::Pending => {
                    let tending = &self.tending;
                    tending.tend_and(cx, |cx| self.flusher.flush(cx)) || self.look_after(cx)
                }
                // How a connection ends is for its tunnels to learn.
                Poll::Ready(ended) => {
                    self.over(ended.and_then(Result::err).as_ref());
                    return Poll::Ready(None);
                }
            };
            if !progress {
                return Poll::Pending;
            }
        }
    }

    /// Does what others have asked for, and what the drain asks for.
    fn obey(&mut self, cx: &mut Context<'_>) {
        let (signals, cut) = self.orders.take(cx);
        for _ in 0..signals {
            self.drain();
        }
        if let Some(cut) = cut {
            self.cut(cut, cx);
        }
        if self.peer.poll_revoked(cx) && self.failure.ended().is_none() {
            self.cut(Cut::Revoked, cx);
        }
        while let Some(action) = self.drain.poll_action() {
            match action {
                // h2 sends both GOAWAYs, and the PING between them.
                DrainAction::Announce => {
                    if let Some(http2) = &mut self.http2 {
                        http2.graceful_shutdown();
                        self.open.said_go_away(Reason::NO_ERROR);
                    }
                }
                // The deadline itself may be what brings it.
                DrainAction::Close => self.close(Reason::NO_ERROR, self.drain_by.max(last_words())),
                DrainAction::Abort => self.cut(Cut::Drained, cx),
                _ => {}
            }
        }
    }

    /// Moves bytes, and gives out a request if there is one and room for it; `None` if the connection is over.
    fn poll_http2(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Request, h2::Error>>> {
        let Some(http2) = &mut self.http2 else {
            return Poll::Ready(None);
        };
        self.is_full = self.roster.len() >= self.most_held;
        let moved = if self.closing.is_some() || self.is_full {
            // What is left in h2's queue waits, and h2 counts the resets of those that wait.
            http2.poll_closed(cx).map(|end| end.err().map(Err))
        } else {
            pin!(http2.accept()).poll(cx)
        };
        if moved.is_ready() {
            self.flusher.flush(cx);
        }
        moved
    }

    /// What is due besides requests: `true` if something happened.
    fn look_after(&mut self, cx: &mut Context<'_>) -> bool {
        let now = now();
        let taken_back = self.roster.early_resets(cx);
        for _ in 0..taken_back {
            self.taken_back();
        }
        // h2's queue is empty, unless it was not looked into. With a full socket h2 may stop at a PING that it has to answer, with heads
        // behind it that it has not seen.
        if !self.is_full && self.closing.is_none() && !self.tending.is_full() {
            let heads = self.tending.heads();
            (0..self.waste.swallowed(heads)).for_each(|_| self.taken_back());
        }
        let held = self.settle();
        if self.heartbeat.poll_given_up(cx).is_ready() {
            self.failure.end(TunnelError::Lost(Loss::Unanswered));
            self.open.unanswered();
            self.drain.handle_lost();
            self.http2 = None;
            return true;
        }
        self.lifetime.handle_use(held > 0, now);
        let due = self.deadline();
        if self.alarm.poll_due(cx, due).is_pending() {
            // A drain may have come to its end by the end of a stream, and one that was let go makes room for the next.
            let has_room = self.is_full && self.roster.len() < self.most_held;
            return taken_back > 0 || has_room || self.has_new_end();
        }
        if self.closing.is_some_and(|until| until <= now) {
            self.http2 = None;
        }
        self.drain.handle_timeout(now);
        let outlived = self.lifetime.poll_timeout().is_some_and(|at| at <= now);
        if outlived && !self.drain.is_draining() {
            self.drain();
            self.is_retiring = true;
        }
        true
    }

    /// Tells the drain which streams have ended: all, if h2 has none on which anything can still happen, and otherwise those
    /// that nobody holds.
    fn settle(&mut self) -> usize {
        let alive = self
            .http2
            .as_ref()
            .is_some_and(server::Connection::has_streams);
        let held = if alive { self.roster.len().max(1) } else { 0 };
        while self.drain.streams() > held && self.drain.handle_stream_end().is_ok() {}
        held
    }

    fn has_new_end(&self) -> bool {
        self.drain.end().is_some() && self.closing.is_none()
    }

    fn deadline(&self) -> Option<Instant> {
        if self.closing.is_some() {
            return self.closing;
        }
        let lifetime = self.lifetime.poll_timeout();
        let lifetime = lifetime.filter(|_| !self.drain.is_draining());
        [lifetime, self.drain.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    fn admit(
        &mut self,
        request: http::Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) -> Option<Incoming> {
        let stream = respond.stream_id().as_u32();
        self.waste.handle_given_out();
        let mut nobody = Context::from_waker(Waker::noop());
        if respond.poll_reset(&mut nobody).is_ready() {
            self.taken_back();
            return None;
        }
        if let Admission::Refuse(reason) = self.drain.handle_stream() {
            respond.send_reset(reason.to_wire().into());
            self.open.watch().reset_sent(stream, reason);
            return None;
        }
        let (parts, body) = request.into_parts();
        let connect = if parts.headers.len() > self.config.max_headers {
            Err(Reject::TooManyHeaders)
        } else {
            Connect::from_parts(&parts, self.config.connect)
        };
        match connect {
            Ok(connect) => {
                let log = self.open.watch().request(stream, &connect.authority);
                let hold = self.roster.enter(respond, self.open.watch());
                let answering = Answering::new(hold, log);
                let (peer, failure) = (self.peer().clone(), self.failure.clone());
                let tending = self.tending.clone();
                let incoming =
                    Incoming::new(connect, parts, peer, body, answering, failure, tending);
                Some(incoming.at(self.addresses))
            }
            Err(reject) => {
                refuse(&mut respond, &reject);
                self.open.watch().request_refused(stream, &reject);
                if reject == Reject::TooManyHeaders {
                    self.taken_back();
                }
                None
            }
        }
    }

    /// A request has come to nothing: the client has taken it back before it was answered, or h2 had none of it.
    fn taken_back(&mut self) {
        if !self.waste.handle_one(now()) && self.closing.is_none() {
            self.close(Reason::ENHANCE_YOUR_CALM, last_words());
        }
    }
}

impl<IO> fmt::Debug for Connection<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Connection(from {}, {:?})",
            self.peer.identity(),
            self.drain
        )
    }
}
