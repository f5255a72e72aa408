use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

/// Connects from one of the workload's addresses, as the workload itself would: who is at the other end may look it up, or have a
/// policy about it. Where this host has none of them the system chooses.
///
/// # Errors
/// The system's.
pub async fn connect_from(own: &[IpAddr], to: SocketAddr) -> io::Result<TcpStream> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    let fits =
        |ip: &&IpAddr| ip.is_ipv4() == to.is_ipv4() && ip.is_loopback() == to.ip().is_loopback();
    if let Some(ip) = own.iter().find(fits) {
        match socket.bind(SocketAddr::new(*ip, 0)) {
            Err(error) if error.kind() != io::ErrorKind::AddrNotAvailable => return Err(error),
            _ => {}
        }
    }
    let stream = socket.connect(to).await?;
    // Nothing is lost without it but time.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
