//! The suite as a client, and, if it is told where, as the application behind the server.

mod authorities;
mod denials;
mod flow;
mod frames;
mod handshake;
mod headers;
mod identity;
mod limits;
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
use crate::case::Group;
use crate::certificates::Files;
use crate::suite::Selection;
pub(crate) use world::{Tunnel, World, opened, refused};

/// Plays client against an HBONE server.
///
/// `--authority` must lead to an application that sends back what it gets, byte for byte, and ends when its peer does. With
/// `--application` the suite is that application, and sees what the server makes of a tunnel on the other side.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The server: an address and the port of its HBONE listener
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    target: SocketAddr,
    #[command(flatten)]
    files: Files,
    /// What is asked for: an authority that the server serves for us
    #[arg(long, value_name = "AUTHORITY")]
    authority: String,
    /// Be the application behind the authority: listen here
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    application: Option<SocketAddr>,
    /// An authority that the server would serve, but where nobody listens
    #[arg(long, value_name = "AUTHORITY")]
    dead: Option<String>,
    /// An authority that the server's policy denies
    #[arg(long, value_name = "AUTHORITY")]
    denied: Option<String>,
    #[command(flatten)]
    selection: Selection,
}

impl Server {
    pub(crate) async fn run(self) -> Result<bool> {
        let application = match self.application {
            Some(at) => Some(Arrivals::listen(&[at])?),
            None => None,
        };
        let world = World {
            target: self.target,
            certificates: self.files.load()?,
            authority: self.authority,
            application,
            dead: self.dead,
            denied: self.denied,
            patience: self.selection.patience()?,
        };
        let world = Arc::new(world);
        world.ready().await?;
        let groups = vec![
            transport::group(),
            handshake::group(),
            identity::group(),
            requests::group(),
            authorities::group(),
            denials::group(),
            headers::group(),
            tunnels::group(),
            flow::group(),
            frames::group(),
            limits::group(),
        ];
        self.selection.run(groups, &world).await
    }
}

/// What a gateway must do as any server must.
pub(crate) fn groups_of_a_gateway() -> Vec<Group<Arc<World>>> {
    vec![
        transport::group(),
        handshake::group(),
        identity::group(),
        authorities::group(),
        headers::group(),
        tunnels::group(),
        flow::group(),
        frames::group(),
        limits::group(),
    ]
}
