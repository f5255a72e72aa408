use std::future::Future;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio_hbone::{Acceptor, Handler, Server};

/// Listens on `address` and hands every connection to a task of its own. The listener lives as long as the process.
pub(crate) async fn serve<F, Fut>(address: SocketAddr, what: &str, handle: F) -> Result<()>
where
    F: Fn(TcpStream, SocketAddr) -> Fut + Send + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let listener = bind(address, what).await?;
    let what = what.to_owned();
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((socket, from)) => {
                    let connection = handle(socket, from);
                    let what = what.clone();
                    tokio::spawn(async move {
                        if let Err(error) = connection.await {
                            eprintln!("{what}: connection from {from}: {error:#}");
                        }
                    });
                }
                Err(error) => {
                    eprintln!("{what}: cannot accept: {error}");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(())
}

/// Serves HBONE on `address` for as long as the process lives.
pub(crate) async fn serve_hbone(
    address: SocketAddr,
    what: &str,
    acceptor: Acceptor,
    handler: impl Handler,
) -> Result<()> {
    let listener = bind(address, what).await?;
    tokio::spawn(Server::new(acceptor, handler).run(listener));
    Ok(())
}

async fn bind(address: SocketAddr, what: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} for the {what}; is another demo or proxy running?")
    })
}
