use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hbone::{Cut, TunnelError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::TunnelIo;

/// A tunnel that is kept for a moment after its owner has let it go, if only the peer still has to say its end.
///
/// Dropping an h2 stream resets it, and a reset of a client's takes back what is queued: the last bytes, our own end of
/// file. To a peer that is about to end its half, too, it reads as a failure. So what still comes is thrown away until
/// then.
///
/// The peer's time begins when our last byte has left h2, where a reset could overtake it: a slow one gets all of it, and whether it lives at all is
/// for the keepalive of the connection to find out. What it sends meanwhile gains it no time, since nobody wants it.
#[derive(Debug)]
pub(crate) struct Lingering(Option<TunnelIo>);

/// How long the peer may take then, at least; at most twice as long. Nobody waits for it.
const MOMENT: Duration = Duration::from_secs(5);

impl Lingering {
    pub(crate) const fn new(tunnel: TunnelIo) -> Self {
        Self(Some(tunnel))
    }

    /// The tunnel, which is there as long as this is.
    pub(crate) fn io(&mut self) -> Result<&mut TunnelIo, TunnelError> {
        self.0.as_mut().ok_or(TunnelError::Cut(Cut::Abandoned))
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(mut tunnel) = self.0.take().filter(TunnelIo::awaits_peer) else {
            return;
        };
        // Who lets it go may be outside of any runtime, or in one that is about to end.
        if let Some(runtime) = tunnel.runtime().cloned() {
            runtime.spawn(async move {
                let mut has_left = false;
                loop {
                    let ended = std::future::poll_fn(|cx| tunnel.poll_discard(cx));
                    // Whether it ended well or in time, there is nobody left to tell.
                    if timeout(MOMENT, ended).await.is_ok() || has_left {
                        break;
                    }
                    has_left = tunnel.has_left();
                }
            });
        }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(self.io()?).poll_read(cx, buf)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.io()?).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.io()?).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io()?).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io()?).poll_shutdown(cx)
    }
}
