use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Sets what every plain socket of a proxy has: nothing is held back, and an end that has vanished is noticed within half an hour
/// (ztunnel's figures: asked after 180 s, nine times, 180 s apart).
pub fn tune(socket: &TcpStream) {
    const INTERVAL: Duration = Duration::from_secs(180);
    let keepalive = TcpKeepalive::new()
        .with_time(INTERVAL)
        .with_interval(INTERVAL)
        .with_retries(9);
    // A socket that does not take them works all the same.
    let _ = socket.set_nodelay(true);
    let _ = SockRef::from(socket).set_tcp_keepalive(&keepalive);
}

/// Whether a close is to say that something is missing: from when bytes are carried until both directions have come to their end.
///
/// The kernel closes the sockets of a process that is killed, and the other end takes what it has for the whole if that says FIN.
pub fn close_is_reset(socket: &TcpStream, is_reset: bool) {
    // Without it, such an end is no worse than that of other programs.
    let _ = SockRef::from(socket).set_linger(is_reset.then_some(Duration::ZERO));
}
