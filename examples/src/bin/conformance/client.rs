//! The suite as a server, and as whoever runs the client.

mod answers;
mod identity;
mod program;
mod requests;
mod transport;
mod tunnels;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use hbone_examples::proxy::parse_address;

use crate::arrivals::Arrivals;
use crate::certificates::Files;
use crate::suite::Selection;
use world::World;

/// Plays server against an HBONE client.
///
/// For each case `--exec` is run once by a shell. It must open one tunnel through the server at `{addr}` to `{authority}`, tie
/// it to its standard input and output as TCP would be, each end by itself, and exit with 0 exactly if the tunnel opened and
/// both halves ended well. `{addr}` and `{authority}` in it are replaced. After `;`, `&&` or `|` it must be started by `exec`,
/// or the shell keeps its standard output open.
#[derive(Debug, Args)]
pub(crate) struct Client {
    /// Where we listen
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    listen: SocketAddr,
    #[command(flatten)]
    files: Files,
    /// What the client is told to ask for
    #[arg(long, value_name = "AUTHORITY", default_value = "10.0.0.2:8080")]
    authority: String,
    /// The command that opens a tunnel
    #[arg(long, value_name = "CMD")]
    exec: String,
    #[command(flatten)]
    selection: Selection,
}

impl Client {
    pub(crate) async fn run(self) -> Result<bool> {
        let arrivals = Arrivals::listen(&[self.listen])?;
        let address = arrivals.address()?.to_string();
        let command = self.exec.replace("{addr}", &address);
        let world = Arc::new(World {
            arrivals,
            certificates: self.files.load()?,
            command: command.replace("{authority}", &self.authority),
            authority: self.authority,
            patience: self.selection.patience()?,
        });
        world.ready().await?;
        let groups = vec![
            transport::group(),
            identity::group(),
            requests::group(),
            answers::group(),
            tunnels::group(),
        ];
        self.selection.run(groups, &world).await
    }
}
