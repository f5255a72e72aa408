use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

use super::tune;

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
            Ok(()) => {}
            // It is not here, or has no port left for a socket that is bound before it is connected.
            Err(error) if is_for_the_system(error.kind()) => {}
            Err(error) => return Err(error),
        }
    }
    let stream = socket.connect(to).await?;
    tune(&stream);
    Ok(stream)
}

const fn is_for_the_system(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable
    )
}
