use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::secrets::NAME;

/// Plain TCP in, a TLS connection out for each.
pub(crate) async fn client(
    listener: TcpListener,
    tls: Arc<ClientConfig>,
    next: SocketAddr,
) -> Result<()> {
    each(listener, move |mut socket| {
        let tls = Arc::clone(&tls);
        async move {
            let mut server = secure(tls, connect(next).await?).await?;
            relay(&mut socket, &mut server).await
        }
    })
    .await
}

/// Plain TCP in, a TLS connection inside of another out for each.
pub(crate) async fn nested_client(
    listener: TcpListener,
    tls: Arc<ClientConfig>,
    next: SocketAddr,
) -> Result<()> {
    each(listener, move |mut socket| {
        let tls = Arc::clone(&tls);
        async move {
            let outer = secure(Arc::clone(&tls), connect(next).await?).await?;
            let mut inner = secure(tls, outer).await?;
            relay(&mut socket, &mut inner).await
        }
    })
    .await
}

/// TLS in, plain TCP out for each.
pub(crate) async fn server(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    next: SocketAddr,
) -> Result<()> {
    let acceptor = TlsAcceptor::from(tls);
    each(listener, move |socket| {
        let acceptor = acceptor.clone();
        async move {
            let mut client = acceptor.accept(socket).await?;
            let mut upstream = connect(next).await?;
            relay(&mut client, &mut upstream).await
        }
    })
    .await
}

/// Serves every connection in a task of its own.
async fn each<F, S>(listener: TcpListener, serve: F) -> Result<()>
where
    F: Fn(TcpStream) -> S,
    S: Future<Output = io::Result<()>> + Send + 'static,
{
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let serving = serve(socket);
        // Both ends learn of a failure, and the measurement with them.
        tokio::spawn(async move { drop(serving.await) });
    }
}

async fn relay<A, B>(one: &mut A, other: &mut B) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    const BUFFER: usize = 64 << 10;
    copy_bidirectional_with_sizes(one, other, BUFFER, BUFFER).await?;
    Ok(())
}

async fn connect(next: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(next).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

async fn secure<IO>(tls: Arc<ClientConfig>, io: IO) -> io::Result<TlsStream<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
    TlsConnector::from(tls).connect(name, io).await
}
