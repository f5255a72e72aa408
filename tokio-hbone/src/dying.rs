use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hbone::LinkFailure;
use tokio::io::AsyncRead;

use crate::remainder::Remainder;
use crate::tls::link_failure;

/// A connection on which writing has failed, and which may still have to tell why.
///
/// A peer that refuses us says so in a TLS alert and closes. Who writes into that learns only that the pipe is broken; the
/// alert lies unread, or is about to. So the error of the writer waits until the reader has come to the end.
#[derive(Debug)]
pub(crate) struct Dying {
    error: io::Error,
    unread: Remainder,
}

/// A closed socket is readable to its end at once; this is for an IO that never says so.
const GRACE: Duration = Duration::from_millis(500);
/// How much is read and thrown away to get to the end: nobody will see those bytes, since the connection is lost.
const MOST: usize = 64 << 10;

impl Dying {
    pub(crate) fn of(error: io::Error) -> Self {
        Self {
            error,
            unread: Remainder::within(MOST, GRACE),
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
        if let Err(error) = ready!(self.unread.poll_end(io, cx))
            && !matches!(
                link_failure(&error),
                LinkFailure::Io(_) | LinkFailure::Closed
            )
        {
            return Poll::Ready(error);
        }
        let kind = self.error.kind();
        Poll::Ready(std::mem::replace(&mut self.error, kind.into()))
    }
}
