use std::io::{self, Write};
use std::net::SocketAddr;

use anyhow::anyhow;
use tokio::net::TcpListener;

use crate::failure::Failure;

/// Binds a listener for `--listen`.
pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let cannot = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "; another process listens there: stop it, or let --listen name another port (port 0 takes a free one)"
            }
            io::ErrorKind::AddrNotAvailable => "; no interface of this host has that address",
            io::ErrorKind::PermissionDenied => {
                "; ports below 1024 need the right to bind them: let --listen name another"
            }
            _ => "",
        };
        Failure::Other(anyhow!("cannot listen on {address}: {error}{hint}"))
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    Ok((listener, bound))
}

/// Says where, for scripts that have asked for any free port: the first line on standard output, and the only one.
pub(crate) fn announce(bound: SocketAddr) {
    // Whoever has closed it does not want to know.
    let _ = writeln!(io::stdout(), "listening on {bound}");
}
