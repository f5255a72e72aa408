//! A client and a server that meet over a pipe.

use hbone::{Accept, DialCause, EstablishError, ExpectedIdentities, Hop, Route, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio_hbone::tls::{ClientTls, ServerTls};
use tokio_hbone::{Acceptor, Connector, Tunnel};

use crate::support::ends::{hop, identity};
use crate::support::io::pipe;
use crate::support::pki::SERVER;
use crate::support::soon;

/// How it went for either.
pub(crate) struct Met {
    pub(crate) client: Result<Tunnel, DialCause>,
    pub(crate) server: Result<Tunnel, EstablishError>,
}

/// Has a client that looks for [`SERVER`] open a tunnel.
pub(crate) async fn meet(client: &ClientTls, server: &ServerTls) -> Met {
    meet_one_of(client, server, &[SERVER]).await
}

/// Has a client that looks for one of `expected` open a tunnel.
pub(crate) async fn meet_one_of(client: &ClientTls, server: &ServerTls, expected: &[&str]) -> Met {
    let (near, far) = pipe();
    let (tell, told) = oneshot::channel();
    let acceptor = Acceptor::new(server.clone());
    tokio::spawn(async move {
        let mut connection = match acceptor.accept(far).await {
            Ok(connection) => connection,
            Err(error) => return drop(tell.send(Err(error))),
        };
        if let Some(incoming) = connection.next().await {
            let _ = tell.send(Ok(incoming.accept(&Accept::default()).expect("a client")));
            while connection.next().await.is_some() {}
        }
    });
    let expect: ExpectedIdentities = expected.iter().map(|who| identity(who)).collect();
    let hop = Hop::new(hop("10.0.0.1:80", SERVER).connect, expect);
    let route = Route::new("127.0.0.1:15008".parse().expect("an address"), hop);
    let connector = Connector::new(client.clone());
    let opened = soon(connector.connect_over(near, &route)).await;
    // Without an answer, the connection came to nothing after its handshake.
    let accepted = soon(told).await;
    Met {
        client: opened.map_err(|error| error.cause),
        server: accepted.unwrap_or(Err(EstablishError::Closed(Stage::Ended))),
    }
}

impl Met {
    /// Both ends of the tunnel.
    #[track_caller]
    pub(crate) fn tunnels(self) -> (Tunnel, Tunnel) {
        (
            self.client.expect("a tunnel"),
            self.server.expect("a tunnel"),
        )
    }
}

/// Sends something through a tunnel both ways.
pub(crate) async fn works(near: &mut Tunnel, far: &mut Tunnel) {
    carries(near, far).await;
    carries(far, near).await;
}

async fn carries(from: &mut Tunnel, to: &mut Tunnel) {
    soon(from.write_all(b"ping")).await.expect("a write");
    let mut got = [0; 4];
    soon(to.read_exact(&mut got)).await.expect("a read");
    assert_eq!(&got, b"ping");
}
