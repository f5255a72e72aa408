use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use hbone::Identity;
use tokio::sync::oneshot;

use super::revocations::Registered;

/// Who is at the other end of a connection that is up, for as long as it is not revoked. Keep it as long as the
/// connection.
pub(crate) struct LivePeer {
    identity: Identity,
    /// `None` once it has fired.
    signal: Option<oneshot::Receiver<()>>,
    revoked: bool,
    _registered: Registered,
}

impl LivePeer {
    pub(super) const fn new(
        identity: Identity,
        signal: oneshot::Receiver<()>,
        registered: Registered,
    ) -> Self {
        Self {
            identity,
            signal: Some(signal),
            revoked: false,
            _registered: registered,
        }
    }

    /// Who it is.
    pub(crate) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Does `work` unless the peer is revoked before it is done: then `None`, and `None` for ever after. May be dropped
    /// half-way like `work` itself.
    pub(crate) async fn unless_revoked<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if self.poll_revoked(cx) {
                return Poll::Ready(None);
            }
            work.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Whether it has been revoked; the task is woken when it is.
    pub(crate) fn poll_revoked(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(signal) = &mut self.signal
            && let Poll::Ready(fired) = Pin::new(signal).poll(cx)
        {
            // Without a sender, nobody is left who could revoke anything.
            self.revoked = fired.is_ok();
            self.signal = None;
        }
        self.revoked
    }
}

impl fmt::Debug for LivePeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LivePeer({})", self.identity)
    }
}
