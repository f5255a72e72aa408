use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use hbone::{Cut, Loss, Reason, TunnelError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::heartbeat::Heartbeat;
use crate::http2::max_send_streams;
use crate::observe::OpenConnection;
use crate::observed::Failure;
use crate::tending::Tending;
use crate::tls::LivePeer;
use crate::wire::{ClientFlusher, ClientWire};

/// What moves the bytes of one client connection, in a task of its own, until it is over.
pub(crate) struct Driver<IO> {
    http2: Box<Connection<ClientWire<IO>, Bytes>>,
    flusher: ClientFlusher<IO>,
    peer: LivePeer,
    heartbeat: Heartbeat,
    failure: Failure,
    open: OpenConnection,
    tending: Tending,
}

/// Whoever wants to know what the peer says about its connection as a whole.
pub(crate) trait Watch {
    /// The peer's SETTINGS_MAX_CONCURRENT_STREAMS has changed to this; `None` is no limit.
    fn settings(&mut self, streams: Option<u32>);

    /// The peer sent GOAWAY: no stream can be opened any more.
    fn going_away(&mut self);
}

/// A request to a driver to end its connection. Dropping the other half asks for a goodbye instead: the connection ends with its
/// last stream.
pub(crate) type Stop = oneshot::Receiver<()>;

/// How long a goodbye may take that the peer does not read. No stream is left by then.
const GOODBYE: Duration = Duration::from_secs(30);

impl<IO: AsyncRead + AsyncWrite + Unpin> Driver<IO> {
    pub(crate) fn new(
        http2: Connection<ClientWire<IO>, Bytes>,
        flusher: ClientFlusher<IO>,
        peer: LivePeer,
        heartbeat: Heartbeat,
        failure: Failure,
        tending: Tending,
        open: OpenConnection,
    ) -> Self {
        flusher.take_over();
        Self {
            http2: Box::new(http2),
            flusher,
            peer,
            heartbeat,
            failure,
            open,
            tending,
        }
    }

    /// What the peer allows now; `None` is no limit.
    pub(crate) fn streams(&self) -> Option<u32> {
        max_send_streams(&self.http2).flatten()
    }

    /// Runs until the connection is over: nobody can open a stream and none is left, it broke, or the peer is revoked or given up.
    pub(crate) async fn run(self) {
        self.run_with(|_, _, _| Poll::<Infallible>::Pending).await;
    }

    /// The same, telling `watch` what the peer says, and until it is told to `stop`.
    pub(crate) async fn run_watched(
        self,
        mut send: SendRequest<Bytes>,
        mut watch: impl Watch,
        mut stop: Stop,
    ) {
        let (mut streams, mut is_leaving) = (self.streams(), false);
        let stopped = self.run_with(|http2, open, cx| {
            let now = max_send_streams(http2).flatten();
            if now != streams {
                streams = now;
                watch.settings(now);
            }
            // It has no stream of its own, so that it is ready at once, or knows why nobody's will ever be.
            if !is_leaving && let Poll::Ready(Err(error)) = send.poll_ready(cx) {
                is_leaving = true;
                if let Some(reason) = error
                    .reason()
                    .filter(|_| error.is_go_away() && error.is_remote())
                {
                    open.go_away_received(Reason::from_wire(reason.into()));
                }
                watch.going_away();
            }
            Pin::new(&mut stop).poll(cx)
        });
        if let Some((driver, Err(_))) = stopped.await {
            drop(send);
            // A peer that does not listen any more needs no goodbye.
            let _ = timeout(GOODBYE, driver.run()).await;
        }
    }

    /// Runs until the connection is over, or `look`, which is asked whenever something has moved, has seen enough.
    async fn run_with<T>(
        mut self,
        mut look: impl FnMut(
            &Connection<ClientWire<IO>, Bytes>,
            &mut OpenConnection,
            &mut Context<'_>,
        ) -> Poll<T>,
    ) -> Option<(Self, T)> {
        let (http2, heartbeat, failure) = (&mut self.http2, &mut self.heartbeat, &self.failure);
        let (flusher, open) = (&self.flusher, &mut self.open);
        let tending = &self.tending;
        let work = poll_fn(|cx| {
            let moved = loop {
                let moved = Pin::new(&mut **http2).poll(cx);
                if moved.is_ready() || !tending.tend_and(cx, |cx| flusher.flush(cx)) {
                    break moved;
                }
            };
            // Whoever has a stream on the connection learns there how it ended.
            match moved {
                Poll::Ready(ended) => {
                    open.ended(ended.err().as_ref(), failure);
                    Poll::Ready(None)
                }
                Poll::Pending if heartbeat.poll_given_up(cx).is_ready() => {
                    open.unanswered();
                    failure.end(TunnelError::Lost(Loss::Unanswered));
                    Poll::Ready(None)
                }
                Poll::Pending => look(http2, open, cx).map(Some),
            }
        });
        match self.peer.unless_revoked(work).await {
            Some(seen) => seen.map(|seen| (self, seen)),
            None => {
                // The tunnels learn of it when the connection is dropped, which must not be before.
                self.failure.cut(Cut::Revoked);
                self.open.cut(Cut::Revoked);
                None
            }
        }
    }
}

impl<IO> fmt::Debug for Driver<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
