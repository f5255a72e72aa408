use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What a peer still sends on a connection that is over for us. It is read and thrown away, up to its end.
///
/// Who closes a socket with something unread in it resets it, and what the peer has not fetched yet is lost with that.
#[derive(Debug)]
pub(crate) struct Remainder {
    unread: usize,
    grace: Pin<Box<Sleep>>,
}

impl Remainder {
    /// At most so many bytes, and for at most so long: a peer that never ends holds nobody up.
    pub(crate) fn within(bytes: usize, grace: Duration) -> Self {
        Self {
            unread: bytes,
            grace: Box::pin(sleep(grace)),
        }
    }

    /// Reads to the end, or as far as it may.
    ///
    /// # Errors
    /// What reading ended with, if that was no end of file.
    pub(crate) fn poll_end<IO>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        IO: AsyncRead + Unpin,
    {
        let mut scrap = [0; 1024];
        while self.unread > 0 {
            let mut scrap = ReadBuf::new(&mut scrap);
            match Pin::new(&mut *io).poll_read(cx, &mut scrap) {
                Poll::Ready(Ok(())) if scrap.filled().is_empty() => break,
                Poll::Ready(Ok(())) => {
                    self.unread = self.unread.saturating_sub(scrap.filled().len());
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if self.grace.as_mut().poll(cx).is_ready() => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}
