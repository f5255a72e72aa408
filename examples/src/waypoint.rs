//! What stands before services and looks at their requests: all of `waypoint` but its process.

mod directions;
mod tunnels;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::http::{Balancer, Drain, Forwarder, Limits};
use crate::proxy::{
    AmbientBaggage, Control, EXIT_CODES, Options, Proxy, StartError, parse_address,
};
use baggage::istio::Dialect;
use clap::Parser;
use peer_meta::Role;
use peer_meta::labels::LabelDialect;
use tokio_hbone::Server;

use crate::waypoint::directions::Directions;
use crate::waypoint::tunnels::Tunnels;

/// Stand before services, and carry each request to one of their endpoints.
///
/// Ends tunnels to services and workloads that have it as their waypoint in the mesh file, speaks HTTP/1.1 and HTTP/2 inside of them,
/// and carries requests on: over HBONE to endpoints in this network, over double HBONE to those in others, or plainly to those that speak
/// no HBONE. Requests are shared out one by one, by the endpoints' capacities. What is not HTTP is carried as it is.
#[derive(Debug, Parser)]
#[command(name = "waypoint", version, after_help = EXIT_CODES)]
#[non_exhaustive]
pub struct Cli {
    /// Where tunnels are accepted
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:15008", value_parser = parse_address)]
    inbound: SocketAddr,

    /// A service port that carries no HTTP, whatever it looks like. May be repeated
    #[arg(long, value_name = "PORT")]
    tcp: Vec<u16>,

    #[command(flatten)]
    baggage: AmbientBaggage,

    #[command(flatten)]
    limits: Limits,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for those of the flags")]
    pub options: Options,
}

/// Serves until `control` says to drain, and has drained then.
///
/// # Errors
/// [`StartError`]: it cannot start.
pub async fn serve(cli: Cli, control: Control) -> Result<(), StartError> {
    let mut proxy =
        Proxy::start(&cli.options, control, Dialect::Envoy, LabelDialect::Envoy).await?;
    let listener = proxy.listen(cli.inbound, "tunnels").await?;
    let exchange = cli.baggage.exchange();
    let pool = proxy.pool()?;
    cli.limits.warn_of_strangers(&proxy.mesh().current());
    let balancer = Balancer::new(&proxy, pool.clone(), Role::Waypoint, exchange)?;
    let forwarder = Forwarder::new(
        proxy.mesh().clone(),
        Arc::clone(proxy.metrics()),
        balancer,
        cli.limits,
        Directions,
    );
    let drain = Drain::new();
    let tunnels = Tunnels::new(&proxy, exchange, forwarder, cli.tcp, drain.clone());
    let server = Server::new(proxy.acceptor()?, tunnels);
    let handle = server.handle();
    proxy.metrics().watch_server("inbound", handle.clone());
    let serving = tokio::spawn(server.run(listener));

    proxy.until_drain().await;
    drain.begin();
    handle.drain();
    let ended = async {
        // A panic in it has been reported already.
        let _ = serving.await;
    };
    proxy.drained(ended).await;
    // What is still open must not look as if it had come to its end.
    handle.drain();
    pool.close();
    Ok(())
}
