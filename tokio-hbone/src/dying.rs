use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hbone::LinkFailure;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::tls::link_failure;

/// A connection on which writing has failed, and which may still have to tell why.
///
/// A peer that refuses us says so in a TLS alert and closes. Who writes into that learns only that the pipe is broken; the
/// alert lies unread, or is about to. So the error of the writer waits until the reader has come to the end.
#[derive(Debug)]
pub(crate) struct Dying {
    error: io::Error,
    unread: usize,
    grace: Pin<Box<Sleep>>,
}

/// A closed socket is readable to its end at once; this is for an IO that never says so.
const GRACE: Duration = Duration::from_millis(500);
/// How much is read and thrown away to get to the end: nobody will see those bytes, since the connection is lost.
const MOST: usize = 64 << 10;

impl Dying {
    pub(crate) fn of(error: io::Error) -> Self {
        Self {
            error,
            unread: MOST,
            grace: Box::pin(sleep(GRACE)),
        }
    }

    /// The error that says most about why writing failed.
    pub(crate) fn poll_last_words<IO>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Error>
    where
        IO: AsyncRead + Unpin,
    {
        while self.unread > 0 {
            let mut scrap = [0; 1024];
            let mut scrap = ReadBuf::new(&mut scrap);
            match Pin::new(&mut *io).poll_read(cx, &mut scrap) {
                Poll::Ready(Ok(())) if scrap.filled().is_empty() => break,
                Poll::Ready(Ok(())) => {
                    self.unread = self.unread.saturating_sub(scrap.filled().len());
                }
                Poll::Ready(Err(error)) => {
                    if !matches!(
                        link_failure(&error),
                        LinkFailure::Io(_) | LinkFailure::Closed
                    ) {
                        return Poll::Ready(error);
                    }
                    break;
                }
                Poll::Pending if self.grace.as_mut().poll(cx).is_ready() => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        let kind = self.error.kind();
        Poll::Ready(std::mem::replace(&mut self.error, kind.into()))
    }
}
