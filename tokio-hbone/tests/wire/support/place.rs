//! The places on a route where a peer can stand.

use std::future::Future;

use hbone::{Accept, DialError, Route};
use tokio_hbone::{Acceptor, Connector, Tunnel};

use super::ends::{hop, server_tls};
use super::io::{BoxIo, pipe};
use super::pki::{GATEWAY, SERVER, mesh_bundle, workload};

/// Where on a route the peer stands that a test is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The only hop.
    Single,
    /// The gateway of two hops.
    Outer,
    /// The server behind a good gateway.
    Inner,
}

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::Single, Self::Outer, Self::Inner];

    /// Whom the client looks for there.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::Outer => GATEWAY,
            Self::Single | Self::Inner => SERVER,
        }
    }

    /// How a [`DialError`] names the place: the hop, and how many there are.
    pub(crate) const fn named(self) -> (usize, usize) {
        match self {
            Self::Single => (0, 1),
            Self::Outer => (0, 2),
            Self::Inner => (1, 2),
        }
    }

    /// Connects with `peer` in this place, and good peers in the others.
    pub(crate) async fn dial<F>(
        self,
        connector: &Connector,
        peer: impl FnOnce(BoxIo) -> F + Send + 'static,
    ) -> Result<Tunnel, DialError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (near, far) = pipe();
        match self {
            Self::Single | Self::Outer => drop(tokio::spawn(peer(Box::new(far)))),
            Self::Inner => drop(tokio::spawn(gateway(Box::new(far), peer))),
        }
        let route = self.route();
        connector.connect_over(near, &route).await
    }

    fn route(self) -> Route {
        let address = "127.0.0.1:15008".parse().expect("an address");
        match self {
            Self::Single => Route::new(address, hop("10.0.0.1:80", SERVER)),
            Self::Outer | Self::Inner => Route::new(address, hop("server.default:80", GATEWAY))
                .through(hop("server.default:80", SERVER)),
        }
    }
}

/// A gateway that accepts one tunnel, at whose other end `peer` is.
async fn gateway<F>(io: BoxIo, peer: impl FnOnce(BoxIo) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let acceptor = Acceptor::new(server_tls(&workload(GATEWAY), mesh_bundle()));
    let mut connection = acceptor.accept(io).await.expect("a client");
    let incoming = connection.next().await.expect("a CONNECT");
    let tunnel = incoming.accept(&Accept::default()).expect("a tunnel");
    tokio::spawn(peer(Box::new(tunnel)));
    while connection.next().await.is_some() {}
}
