//! A listener of in-memory pipes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_hbone::{Addresses, Arrival, Listener};

use crate::support::io::pipe;

/// The clients' side.
#[derive(Clone)]
pub(crate) struct Door(mpsc::UnboundedSender<io::Result<DuplexStream>>);

/// The server's side, which remembers when it was asked.
pub(crate) struct Pipes {
    arriving: mpsc::UnboundedReceiver<io::Result<DuplexStream>>,
    pub(crate) asked: Arc<Mutex<Vec<Instant>>>,
}

pub(crate) fn pipes() -> (Door, Pipes) {
    let (give, arriving) = mpsc::unbounded_channel();
    let asked = Arc::default();
    (Door(give), Pipes { arriving, asked })
}

impl Door {
    /// A client knocks.
    pub(crate) fn knock(&self) -> DuplexStream {
        let (near, far) = pipe();
        let _ = self.0.send(Ok(far));
        near
    }

    /// Accepting fails with this number of the system.
    pub(crate) fn fail(&self, errno: i32) {
        let _ = self.0.send(Err(io::Error::from_raw_os_error(errno)));
    }
}

pub(crate) const ADDRESSES: Addresses = Addresses {
    client: SocketAddr::new(
        std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 9, 9)),
        40000,
    ),
    server: SocketAddr::new(
        std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)),
        15008,
    ),
};

impl Listener for Pipes {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<Arrival<DuplexStream>> {
        self.asked.lock().expect("no panic").push(Instant::now());
        match self.arriving.recv().await {
            Some(io) => Ok(Arrival {
                io: io?,
                addresses: ADDRESSES,
            }),
            None => std::future::pending().await,
        }
    }
}
