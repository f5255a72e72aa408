use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::TunnelIo;

/// A tunnel under another connection, which drops it as soon as it has said its last.
///
/// The peer still has its own end to say. A tunnel dropped before that is reset, which reads as a failure in every log
/// on the way, so it is kept until the peer has ended it too, for a moment.
#[derive(Debug)]
pub(crate) struct Lingering(Option<TunnelIo>);

/// How long the peer may take. Nobody waits for it.
const MOMENT: Duration = Duration::from_secs(5);

impl Lingering {
    pub(crate) const fn new(tunnel: TunnelIo) -> Self {
        Self(Some(tunnel))
    }

    fn tunnel(&mut self) -> io::Result<Pin<&mut TunnelIo>> {
        self.0
            .as_mut()
            .map(Pin::new)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(mut tunnel) = self.0.take().filter(TunnelIo::awaits_peer) else {
            return;
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let ended = std::future::poll_fn(|cx| tunnel.poll_discard(cx));
                // Whether it ended well or in time, there is nobody left to tell.
                let _ = timeout(MOMENT, ended).await;
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
        self.tunnel()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.tunnel()?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tunnel()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tunnel()?.poll_shutdown(cx)
    }
}
