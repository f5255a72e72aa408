use std::io;
use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::TcpStream;

use crate::canonical::canonical;

/// Where the client of a redirected connection wanted to go (`SO_ORIGINAL_DST` of the kernel's connection tracking).
///
/// # Errors
/// The connection was not redirected: it came to us on purpose, and to follow it would lead back to us.
pub(crate) fn original_destination(socket: &TcpStream) -> io::Result<SocketAddr> {
    let local = canonical(socket.local_addr()?);
    let socket = SockRef::from(socket);
    let original = match local {
        SocketAddr::V4(_) => socket.original_dst_v4(),
        SocketAddr::V6(_) => socket.original_dst_v6(),
    };
    // Of a connection that was never redirected the kernel knows nothing, and says so by an error.
    let original = original.ok().and_then(|address| address.as_socket());
    match original.map(canonical) {
        Some(original) if original != local => Ok(original),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it was made to the proxy itself, not redirected by iptables; use the SOCKS5 port, or a REDIRECT rule",
        )),
    }
}
