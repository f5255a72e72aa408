use std::sync::Arc;

use super::Event;

/// Somebody who is told what a transport does, as it happens: for metrics, access logs, and tests.
///
/// One is given to a [`Connector`](crate::Connector::with_observer), whose [`Pool`](crate::Pool) tells it too, and one to an
/// [`Acceptor`](crate::Acceptor::with_observer), whose [`Server`](crate::Server) tells it too; an [`Arc`] of one is good for
/// both. Without any, no event is made.
///
/// It is called in whatever task brought the event about, with no lock held, so that it may call back into whatever it likes; but
/// not into the halves of that tunnel, if it is [split](crate::Tunnel::into_split), one of which may be in the middle of a call.
/// That task moves the bytes of a connection, though: an observer that blocks holds them all up. If it panics, that is
/// the end of that task, and its caller's affair; nothing here catches it.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use tokio_hbone::{Event, Observer};
///
/// #[derive(Default)]
/// struct Bytes(AtomicU64);
///
/// impl Observer for Bytes {
///     fn observe(&self, event: &Event) {
///         if let Event::TunnelClosed { summary, .. } = event {
///             self.0.fetch_add(summary.received + summary.sent, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn observe(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn observe(&self, event: &Event) {
        self(event);
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn observe(&self, event: &Event) {
        (**self).observe(event);
    }
}
