use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context as Asking, Poll};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// Where the other side connects to, at one address or several. Connections wait in the kernel for the case that asks for them.
#[derive(Debug)]
pub(crate) struct Arrivals(Vec<Place>);

#[derive(Debug)]
struct Place {
    listener: TcpListener,
    /// The same socket, without a runtime that has to notice first what has arrived.
    arrived: std::net::TcpListener,
}

/// More than any case opens at once.
const BACKLOG: u32 = 4096;

impl Arrivals {
    pub(crate) fn listen(at: &[SocketAddr]) -> Result<Self> {
        let places = at.iter().map(|at| {
            let place = Place::listen(*at);
            place.with_context(|| format!("cannot listen on {at}; is the port taken?"))
        });
        Ok(Self(places.collect::<Result<_>>()?))
    }

    /// The first of its addresses.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        let first = self.0.first().context("no address to listen on")?;
        Ok(first.arrived.local_addr()?)
    }

    /// Closes what came for an earlier case: whatever was connected before this call is among it.
    pub(crate) fn forget(&self) {
        for place in &self.0 {
            while place.arrived.accept().is_ok() {}
        }
    }

    /// The next connection, if one comes in time.
    pub(crate) async fn accept(&self, patience: Duration) -> Option<TcpStream> {
        let accepting = async {
            loop {
                match poll_fn(|asking| self.poll_accept(asking)).await {
                    Ok(stream) => return stream,
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
        for place in &self.0 {
            while let Ok((stream, _)) = place.arrived.accept() {
                stream.set_nonblocking(true).ok()?;
                newest = TcpStream::from_std(stream).ok()?;
            }
        }
        Some(newest)
    }

    fn poll_accept(&self, asking: &mut Asking<'_>) -> Poll<std::io::Result<TcpStream>> {
        for place in &self.0 {
            if let Poll::Ready(accepted) = place.listener.poll_accept(asking) {
                return Poll::Ready(accepted.map(|(stream, _)| stream));
            }
        }
        Poll::Pending
    }
}

impl Place {
    fn listen(at: SocketAddr) -> std::io::Result<Self> {
        let socket = match at {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        let arrived = socket.listen(BACKLOG)?.into_std()?;
        let listener = TcpListener::from_std(arrived.try_clone()?)?;
        Ok(Self { listener, arrived })
    }
}
