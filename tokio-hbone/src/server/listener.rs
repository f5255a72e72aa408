use std::future::Future;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::connection::Addresses;

/// Where clients come from.
pub trait Listener: Send {
    /// What bytes go through.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next client. The future may be dropped at any point without losing one.
    ///
    /// # Errors
    /// Any; [`Server`](super::Server) pauses and tries again, unless the error is about that one client.
    fn accept(&mut self) -> impl Future<Output = io::Result<Arrival<Self::Io>>> + Send;
}

/// A client at the door.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "listeners make it")]
pub struct Arrival<IO> {
    /// What bytes go through.
    pub io: IO,
    /// Where it came from, and to.
    pub addresses: Addresses,
}

impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<Arrival<TcpStream>> {
        let (io, client) = Self::accept(self).await?;
        io.set_nodelay(true)?;
        let server = io.local_addr()?;
        Ok(Arrival {
            io,
            addresses: Addresses { client, server },
        })
    }
}

/// Whether the next client may well be accepted at once: this one was gone before it was.
pub(super) fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotConnected
    )
}
