use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// A place where the other side connects to. Connections wait in the kernel for the case that asks for them.
#[derive(Debug)]
pub(crate) struct Arrivals {
    listener: TcpListener,
    /// The same socket, without a runtime that has to notice first what has arrived.
    arrived: std::net::TcpListener,
}

/// More than any case opens at once.
const BACKLOG: u32 = 4096;

impl Arrivals {
    pub(crate) fn listen(at: SocketAddr) -> Result<Self> {
        let listen = || {
            let socket = match at {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            socket.set_reuseaddr(true)?;
            socket.bind(at)?;
            let arrived = socket.listen(BACKLOG)?.into_std()?;
            let listener = TcpListener::from_std(arrived.try_clone()?)?;
            std::io::Result::Ok(Self { listener, arrived })
        };
        listen().with_context(|| format!("cannot listen on {at}; is the port taken?"))
    }

    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.arrived.local_addr()
    }

    /// Closes what came for an earlier case: whatever was connected before this call is among it.
    pub(crate) fn forget(&self) {
        while self.arrived.accept().is_ok() {}
    }

    /// The next connection, if one comes in time.
    pub(crate) async fn accept(&self, patience: Duration) -> Option<TcpStream> {
        let accepting = async {
            loop {
                match self.listener.accept().await {
                    Ok((stream, _)) => return stream,
                    // No descriptor is left for now.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        timeout(patience, accepting).await.ok()
    }

    /// The last of those that are there, once there is one. Before it may come what a server went on connecting for an earlier case.
    pub(crate) async fn newest(&self, patience: Duration) -> Option<TcpStream> {
        let mut newest = self.accept(patience).await?;
        while let Ok((stream, _)) = self.arrived.accept() {
            stream.set_nonblocking(true).ok()?;
            newest = TcpStream::from_std(stream).ok()?;
        }
        Some(newest)
    }
}
