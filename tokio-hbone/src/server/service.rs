use std::future::Future;
use std::io;
use std::net::SocketAddr;

use hbone::policy::{Checked, DestinationPolicy};
use hbone::{Accept, Authority, EstablishError, Reject};
use tokio::net::TcpStream;

use super::Served;
use crate::connection::Addresses;
use crate::incoming::Incoming;

/// What a [`Relay`](super::Relay) has to know from its owner: where peers may go, and where names lead.
pub trait Service: Send + Sync + 'static {
    /// What this peer may have us connect to. It is asked before anything is looked up.
    fn policy(&self, incoming: &Incoming) -> DestinationPolicy;

    /// Where an authority leads: the best first. Unless told otherwise, no name leads anywhere; a
    /// [`SystemResolver`](super::SystemResolver) asks the DNS. [`ServeConfig::lookup`](hbone::ServeConfig::lookup) says for
    /// which authorities it is asked, and `resolve_timeout` for how long.
    ///
    /// # Errors
    /// Why it leads nowhere, as the client is to be answered.
    fn resolve(
        &self,
        incoming: &Incoming,
        authority: &Authority,
    ) -> impl Future<Output = Result<Vec<SocketAddr>, Reject>> + Send {
        let _ = (incoming, authority);
        async { Err(Reject::UnknownService) }
    }

    /// Connects to an address that the policy has checked, and to no other.
    ///
    /// # Errors
    /// The system's.
    fn connect(
        &self,
        incoming: &Incoming,
        address: Checked<SocketAddr>,
    ) -> impl Future<Output = io::Result<TcpStream>> + Send {
        let _ = incoming;
        async move {
            let socket = TcpStream::connect(address.addr()).await?;
            socket.set_nodelay(true)?;
            Ok(socket)
        }
    }

    /// What the 200 says beside its status. Nothing, unless told otherwise.
    fn accept(&self, incoming: &Incoming) -> Accept {
        let _ = incoming;
        Accept::default()
    }

    /// A CONNECT is over, for logs and metrics.
    fn served(&self, served: &Served) {
        let _ = served;
    }

    /// See [`Handler::accept_failed`](super::Handler::accept_failed).
    fn accept_failed(&self, error: &io::Error) {
        let _ = error;
    }

    /// See [`Handler::handshake_failed`](super::Handler::handshake_failed).
    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        let _ = (addresses, error);
    }

    /// See [`Handler::turned_away`](super::Handler::turned_away).
    fn turned_away(&self, addresses: Addresses) {
        let _ = addresses;
    }
}
