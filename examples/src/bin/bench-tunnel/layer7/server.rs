use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Args;
use hbone::Accept;
use http::{HeaderValue, Response};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_hbone::{Acceptor, Handler, Incoming, Server};

use crate::secrets;

/// A server of HTTP/1.1: plainly, or at the end of tunnels.
#[derive(Clone, Debug, Args)]
pub(crate) struct Endpoint {
    /// Where it listens.
    #[arg(long)]
    at: SocketAddr,
    /// Where the keys and certificates are; without them it is plain.
    #[arg(long)]
    secrets: Option<PathBuf>,
}

/// Bytes of an answer.
const SIZE: usize = 1 << 10;

impl Endpoint {
    pub(crate) async fn run(self) -> Result<()> {
        let listener = TcpListener::bind(self.at).await.context("listening")?;
        println!("{}", listener.local_addr()?);
        let Some(secrets) = self.secrets else {
            loop {
                let (socket, _) = listener.accept().await?;
                socket.set_nodelay(true)?;
                tokio::spawn(serve(socket));
            }
        };
        let acceptor = Acceptor::new(secrets::our_server(&secrets)?);
        Server::new(acceptor, Pod).run(listener).await;
        Ok(())
    }
}

struct Pod;

impl Handler for Pod {
    async fn handle(&self, asked: Incoming) {
        let baggage = "k8s.cluster.name=west,k8s.namespace.name=bench,k8s.deployment.name=pod,service.name=pod";
        let accept = Accept::new([HeaderValue::from_static(baggage)].into_iter().collect());
        if let Ok(tunnel) = asked.accept(&accept) {
            serve(tunnel).await;
        }
    }
}

async fn serve<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static>(io: IO) {
    static ANSWER: [u8; SIZE] = [b'x'; SIZE];
    let service = service_fn(|_| async {
        let body = Full::new(Bytes::from_static(&ANSWER));
        Ok::<_, Infallible>(Response::new(body))
    });
    let serving = http1::Builder::new().serve_connection(TokioIo::new(io), service);
    // The application learns of a failure.
    drop(serving.await);
}
