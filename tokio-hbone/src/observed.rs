use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hbone::{Cut, LinkFailure, Loss, Reason, TunnelError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::dying::Dying;
use crate::pulse::Pulse;
use crate::remainder::Remainder;
use crate::tending::{FrameMeter, Tending};
use crate::tls::link_failure;

/// An IO that remembers the first thing that went wrong with it.
///
/// h2 keeps only the kind and the text of an error below it, which would lose a TLS alert.
#[derive(Debug)]
pub(crate) struct Observed<IO> {
    io: IO,
    failure: Failure,
    dying: Option<Dying>,
    /// Our half has ended, and the peer's is waited for.
    parting: Option<Remainder>,
    pulse: Pulse,
    tending: Tending,
    frames: FrameMeter,
    /// Reading pauses once, so that small frames do not pile up in h2 while it reads on and on.
    pauses: bool,
}

/// The first failure of a connection, shared with everybody who has a stream on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure(Arc<Causes>);

#[derive(Debug, Default)]
struct Causes {
    /// What broke underneath.
    broke: OnceLock<LinkFailure>,
    /// What we ended it for.
    ended: OnceLock<TunnelError>,
}

/// What the IO below a connection tells whoever drives it.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) failure: Failure,
    /// Beats with every sign of life of the peer.
    pub(crate) pulse: Pulse,
    pub(crate) tending: Tending,
}

/// How long a peer may take to end its half after we have ended ours. It does so once it has fetched all that we wrote, which a
/// slow link can hold for long; whoever drains has a deadline of its own.
const PARTING: Duration = Duration::from_secs(30);
/// More than a peer can have in flight to us.
const MOST: usize = 64 << 20;

impl Failure {
    /// What went wrong underneath, if h2's own error does not know better.
    pub(crate) fn explain(&self, error: &h2::Error) -> LinkFailure {
        match self.0.broke.get() {
            Some(failure) => failure.clone(),
            // The IO has not failed, so h2 made this up: the bytes came to their end with streams open.
            None if error.is_io() => LinkFailure::Closed,
            None => LinkFailure::Http2(error.to_string()),
        }
    }

    /// How the connection is lost to a tunnel to which h2 says this.
    pub(crate) fn loss(&self, error: &h2::Error) -> Loss {
        match error
            .reason()
            .map(|reason| Reason::from_wire(reason.into()))
        {
            Some(reason) if error.is_go_away() && error.is_remote() => Loss::GoAway(reason),
            Some(reason) if error.is_go_away() => Loss::Protocol(reason),
            _ => match self.explain(error) {
                LinkFailure::Closed => Loss::Closed,
                LinkFailure::Io(kind) => Loss::Transport(kind),
                _ => Loss::Transport(io::ErrorKind::InvalidData),
            },
        }
    }

    /// Says that we are about to cut the connection, and why.
    pub(crate) fn cut(&self, cut: Cut) {
        self.end(TunnelError::Cut(cut));
    }

    /// Says that we are about to end the connection, and what its tunnels are to make of it.
    pub(crate) fn end(&self, end: TunnelError) {
        // Only the first counts here too.
        let _ = self.0.ended.set(end);
    }

    /// Why we ended the connection, if it was us.
    pub(crate) fn ended(&self) -> Option<TunnelError> {
        self.0.ended.get().copied()
    }

    /// Whether anything went wrong underneath, a missing close_notify included.
    pub(crate) fn has_broken(&self) -> bool {
        self.0.broke.get().is_some()
    }

    fn record(&self, error: &io::Error) {
        // Only the first counts: later ones follow from it.
        let _ = self.0.broke.set(link_failure(error));
    }
}

impl<IO> Observed<IO> {
    pub(crate) fn new(io: IO, pulse: Pulse) -> Self {
        Self {
            io,
            failure: Failure::default(),
            dying: None,
            parting: None,
            pulse,
            tending: Tending::new(),
            frames: FrameMeter::default(),
            pauses: false,
        }
    }

    pub(crate) fn watched(&self) -> Watched {
        Watched {
            failure: self.failure.clone(),
            pulse: self.pulse.clone(),
            tending: self.tending.clone(),
        }
    }
}

impl<IO: AsyncRead + Unpin> Observed<IO> {
    /// Writes in one of the ways there are. Once that fails, the peer's last words are waited for.
    fn poll_write_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut IO>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut dying = match self.dying.take() {
            Some(dying) => dying,
            None => match write(Pin::new(&mut self.io), cx) {
                Poll::Ready(Ok(done)) => return Poll::Ready(Ok(done)),
                Poll::Ready(Err(error)) => Dying::of(error),
                Poll::Pending => {
                    self.tending.set_full(true);
                    return Poll::Pending;
                }
            },
        };
        match dying.poll_last_words(&mut self.io, cx) {
            Poll::Ready(error) => {
                self.failure.record(&error);
                self.pulse.stop();
                Poll::Ready(Err(error))
            }
            Poll::Pending => {
                self.dying = Some(dying);
                Poll::Pending
            }
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Observed<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.pauses) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (before, room) = (buf.filled().len(), buf.remaining());
        let outcome = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        let read = &mut buf.filled_mut()[before..];
        if !read.is_empty() {
            self.pulse.beat();
            if self.frames.see(read) {
                self.pauses = true;
                self.tending.gather_soon();
            }
            self.tending.set_heads(self.frames.heads());
        } else if room > 0 {
            self.pulse.stop();
        }
        Poll::Ready(outcome.inspect_err(|error| self.failure.record(error)))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Observed<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |io, cx| io.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |io, cx| io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_with(cx, |io, cx| io.poll_flush(cx)))?;
        self.tending.set_full(false);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.parting.is_none() {
            ready!(this.poll_write_with(cx, |io, cx| io.poll_shutdown(cx)))?;
        }
        // h2 drops us next. The peer's last bytes must not be lost to that, and neither must ours.
        let parting = this
            .parting
            .get_or_insert_with(|| Remainder::within(MOST, PARTING));
        parting.poll_end(&mut this.io, cx).map(|_| Ok(()))
    }
}
