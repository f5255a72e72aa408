use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::access_log::{self, Direction};
use crate::http::{Client, Drain, Forwarder, Outside, Protocol, Refusal, serve, sniff, turn_away};
use crate::mesh_file::{MeshWatch, Site};
use crate::proxy::{Admitted, Proxy};
use hbone::authorization::Connection;
use peer_meta::{Exchange, ExchangeConfig, Role};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Serves clients from outside of the mesh.
pub(crate) struct Ingress {
    mesh: MeshWatch,
    exchange: ExchangeConfig,
    forwarder: Arc<Forwarder>,
    drain: Drain,
}

/// For the handshake of a client.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a client was not served at all.
#[derive(Debug, Error)]
enum Unserved {
    #[error("a policy denies it")]
    Denied,
}

impl Ingress {
    pub(crate) fn new(
        proxy: &Proxy,
        exchange: ExchangeConfig,
        forwarder: Forwarder,
        drain: Drain,
    ) -> Self {
        Self {
            mesh: proxy.mesh().clone(),
            exchange,
            forwarder: Arc::new(forwarder),
            drain,
        }
    }

    /// A client that speaks HTTP as it is.
    pub(crate) async fn plain(
        self: Arc<Self>,
        socket: TcpStream,
        from: SocketAddr,
        admitted: Admitted,
    ) {
        let Ok(server) = socket.local_addr() else {
            return;
        };
        let client = self.client(from, server, "http");
        self.admit(Outside::new(socket), client, admitted).await;
    }

    /// A client that speaks HTTP over TLS.
    pub(crate) async fn encrypted(
        self: Arc<Self>,
        socket: TcpStream,
        from: SocketAddr,
        admitted: Admitted,
        tls: TlsAcceptor,
    ) {
        let Ok(server) = socket.local_addr() else {
            return;
        };
        let client = self.client(from, server, "https");
        let handshake = async {
            let (protocol, io) = sniff(Outside::in_handshake(socket), PATIENCE).await?;
            match protocol {
                Protocol::Tcp => tls.accept(io).await.map(Ok),
                _ => Ok(Err(io)),
            }
        };
        match timeout(PATIENCE, handshake).await {
            Ok(Ok(Ok(mut io))) => {
                io.get_mut().0.get_mut().begin();
                self.admit(io, client, admitted).await;
            }
            Ok(Ok(Err(io))) => {
                turn_away(io, &self.forwarder, client, &Refusal::of_unencrypted()).await;
            }
            Ok(Err(error)) => access_log::refused(Direction::Inbound, from, server, &error),
            Err(late) => access_log::refused(Direction::Inbound, from, server, &late),
        }
    }

    async fn admit<IO>(&self, io: IO, client: Client, mut admitted: Admitted)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let site = self.mesh.current();
        if !is_allowed(&site, &client) {
            let denied = Unserved::Denied;
            return access_log::refused(Direction::Inbound, client.address, client.server, &denied);
        }
        tokio::select! {
            () = self.serve(io, client) => {}
            () = admitted.cut() => {}
        }
    }

    async fn serve<IO>(&self, io: IO, client: Client)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let patience = self.forwarder.limits().head_timeout;
        let sniffed = tokio::select! {
            sniffed = sniff(io, patience) => sniffed,
            () = self.drain.is_time_for_the_idle() => return,
        };
        match sniffed {
            Ok((Protocol::Tcp, sniffed)) => {
                let (first, io) = sniffed.into_parts();
                match Refusal::of_strange(&first) {
                    Some(refusal) => turn_away(io, &self.forwarder, client, &refusal).await,
                    None => {
                        tracing::debug!(src.addr = %client.address, "a client said nothing");
                    }
                }
            }
            Ok((protocol, io)) => {
                serve(
                    io,
                    protocol,
                    Arc::clone(&self.forwarder),
                    client,
                    &self.drain,
                )
                .await;
            }
            Err(error) => {
                tracing::debug!(%error, src.addr = %client.address, "a client left before a word");
            }
        }
    }

    fn client(&self, from: SocketAddr, server: SocketAddr, scheme: &'static str) -> Client {
        let own = Arc::clone(self.mesh.current().own());
        let role = Role::IngressGateway;
        let exchange = Exchange::new(role, &self.exchange, own, Instant::now());
        let mut client = Client::new(from, server, exchange);
        client.direction = Direction::Outbound;
        client.scheme = Some(scheme);
        client
    }
}

/// Whether the policies let the client use the gateway. Who it is, nobody has proved.
fn is_allowed(site: &Site, client: &Client) -> bool {
    let connection = Connection::new(client.address, client.server);
    site.judge(&connection).is_allowed()
}
