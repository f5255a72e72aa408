use std::future::Future;
use std::io;
use std::sync::Arc;

use hbone::EstablishError;

use crate::connection::Addresses;
use crate::incoming::Incoming;

/// What a [`Server`](super::Server) does with each CONNECT, and whom it tells what else happens.
pub trait Handler: Send + Sync + 'static {
    /// Answers a CONNECT and serves the tunnel, in a task of its own. If it panics, that one stream is reset with
    /// INTERNAL_ERROR. If it ends without an answer, so is it.
    fn handle(&self, incoming: Incoming) -> impl Future<Output = ()> + Send;

    /// Accepting failed, for want of descriptors most likely; it is tried again after
    /// [`accept_pause`](super::ServerConfig::accept_pause), so that this is not called more often than that.
    fn accept_failed(&self, error: &io::Error) {
        let _ = error;
    }

    /// A client did not get through its handshake.
    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        let _ = (addresses, error);
    }

    /// A client was closed for want of room: there were too many sockets, too many handshakes and its was the oldest, or
    /// too many connections of its identity.
    fn turned_away(&self, addresses: Addresses) {
        let _ = addresses;
    }
}

impl<H: Handler> Handler for Arc<H> {
    fn handle(&self, incoming: Incoming) -> impl Future<Output = ()> + Send {
        (**self).handle(incoming)
    }

    fn accept_failed(&self, error: &io::Error) {
        (**self).accept_failed(error);
    }

    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        (**self).handshake_failed(addresses, error);
    }

    fn turned_away(&self, addresses: Addresses) {
        (**self).turned_away(addresses);
    }
}
