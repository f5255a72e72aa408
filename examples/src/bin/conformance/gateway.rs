//! The suite as the client of the outer tunnel, and as the endpoint behind the gateway.

mod relay;
mod routing;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use hbone_examples::proxy::parse_address;

use crate::arrivals::Arrivals;
use crate::certificates::Files;
use crate::server::World;
use crate::suite::Selection;

/// Plays both ends around an east-west gateway.
///
/// `--authority` is a service that the gateway knows, and whose only endpoints are those of `--endpoint`: where the suite listens as
/// their port 15008. What a server must do, a gateway must do as well, so most of the server's cases are run, too.
#[derive(Debug, Args)]
pub(crate) struct Gateway {
    /// The gateway: an address and the port of its HBONE listener
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    target: SocketAddr,
    #[command(flatten)]
    files: Files,
    /// A service's host name and port
    #[arg(long, value_name = "AUTHORITY")]
    authority: String,
    /// Be an endpoint of that service: listen here; may be repeated, for endpoints of the same weight
    #[arg(long, value_name = "ADDR", required = true, value_parser = parse_address)]
    endpoint: Vec<SocketAddr>,
    /// Another port of the same service, which it does not expose
    #[arg(long, value_name = "PORT", default_value_t = 1)]
    closed_port: u16,
    #[command(flatten)]
    selection: Selection,
}

impl Gateway {
    pub(crate) async fn run(self) -> Result<bool> {
        let world = Arc::new(World {
            target: self.target,
            certificates: self.files.load()?,
            authority: self.authority,
            application: Some(Arrivals::listen(&self.endpoint)?),
            dead: None,
            denied: None,
            patience: self.selection.patience()?,
        });
        world.ready().await?;
        let mut groups = vec![
            routing::group(self.closed_port, self.endpoint.len()),
            relay::group(),
        ];
        groups.extend(crate::server::groups_of_a_gateway());
        self.selection.run(groups, &world).await
    }
}
