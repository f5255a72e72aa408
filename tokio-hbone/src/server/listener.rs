use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};

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
            addresses: Addresses {
                client: canonical(client),
                server: canonical(server),
            },
        })
    }
}

/// A socket that listens for both families writes IPv4 as IPv6 has it (RFC 4291 section 2.5.5.2).
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(four) => SocketAddr::new(four.into(), address.port()),
        // With its scope.
        IpAddr::V6(_) => address,
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn ipv4_is_ipv4_at_a_listener_for_both_families() {
        // Of loopback alone, as such a listener has it.
        let Ok(mut listener) = TcpListener::bind("[::ffff:127.0.0.1]:0").await else {
            println!("skipped: a listener for both families: this machine has no IPv6");
            return;
        };
        let port = listener.local_addr().expect("an address").port();
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        let client = client.expect("a connection");
        let arrival = Listener::accept(&mut listener).await.expect("an arrival");
        let addresses = Addresses {
            client: client.local_addr().expect("an address"),
            server: client.peer_addr().expect("an address"),
        };
        assert_eq!(arrival.addresses, addresses);
    }

    #[test]
    fn a_link_local_address_keeps_its_scope() {
        let address = "[fe80::1%7]:15008".parse().expect("an address");
        assert_eq!(canonical(address), address);
    }
}
