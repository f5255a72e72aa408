use std::io;

use crate::metrics::Metered;
use crate::proxy::close_is_reset;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio_hbone::{Breakable, Tunnel, copy_bidirectional as copy_through};

/// What a connection of the workload leads to.
pub(crate) enum Upstream {
    Plain(TcpStream),
    Tunnel(Box<Tunnel>),
}

impl Upstream {
    /// Moves bytes both ways until both directions have ended. What is cut short looks so to both ends.
    pub(crate) async fn relay(&mut self, client: &mut Metered<TcpStream>) -> io::Result<()> {
        self.close_is_reset(client, true);
        match self {
            Self::Plain(server) => {
                let outcome = copy_bidirectional(client, server).await;
                if outcome.is_err() {
                    client.break_off();
                    server.break_off();
                }
                outcome?;
            }
            Self::Tunnel(tunnel) => copy_through(tunnel, client).await.end?,
        }
        self.close_is_reset(client, false);
        Ok(())
    }

    fn close_is_reset(&self, client: &Metered<TcpStream>, is_reset: bool) {
        close_is_reset(client.io(), is_reset);
        if let Self::Plain(server) = self {
            close_is_reset(server, is_reset);
        }
    }

    /// Makes the coming drop look like a failure to the server.
    pub(crate) fn break_off(&mut self) {
        match self {
            Self::Plain(server) => server.break_off(),
            Self::Tunnel(tunnel) => tunnel.break_off(),
        }
    }
}
