use std::net::SocketAddr;
use std::sync::Arc;

use crate::access_log::{self, Direction};
use crate::proxy::Admitted;
use tokio::net::TcpStream;
use tokio_hbone::Breakable;

use crate::node_proxy::original_destination::original_destination;
use crate::node_proxy::outbound::Outbound;

/// Serves a connection of the workload that iptables has redirected. What cannot be connected is reset, as if the destination had
/// refused it.
pub(crate) async fn serve(
    outbound: Arc<Outbound>,
    mut socket: TcpStream,
    client: SocketAddr,
    admitted: Admitted,
) {
    let destination = match original_destination(&socket) {
        Ok(destination) => destination,
        Err(error) => {
            let here = socket.local_addr().unwrap_or(client);
            access_log::refused(Direction::Outbound, client, here, &error);
            return socket.break_off();
        }
    };
    match outbound.open(client, &destination.into()).await {
        Ok(opened) => opened.relay(socket, admitted).await,
        // It has been logged.
        Err(_) => socket.break_off(),
    }
}
