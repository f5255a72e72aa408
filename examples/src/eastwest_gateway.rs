//! The way into a network for the tunnels of others: all of `eastwest-gateway` but its process.

mod asked;
mod believed;
mod endpoints;
mod gateway;
mod tunnel;

use std::net::SocketAddr;
use std::time::Duration;

use crate::proxy::{
    AmbientBaggage, Control, EXIT_CODES, Options, Proxy, StartError, parse_address, parse_duration,
};
use baggage::istio::Dialect;
use clap::Parser;
use peer_meta::labels::LabelDialect;
use tokio_hbone::Server;

use crate::eastwest_gateway::believed::{Believed, Believing};
use crate::eastwest_gateway::gateway::Gateway;

/// Let the tunnels of other networks into this one.
///
/// Ends outer tunnels, finds the service that each asks for in the mesh file, chooses one of its endpoints in this network (or
/// an instance of its waypoint), and carries the bytes to port 15008 there as they are: the tunnel inside is between the client
/// and whoever was chosen, and opaque to the gateway. Shares follow the endpoints' capacities, stream by stream; an endpoint that
/// does not answer is left alone for a while.
#[derive(Debug, Parser)]
#[command(name = "eastwest-gateway", version, after_help = EXIT_CODES)]
#[non_exhaustive]
pub struct Cli {
    /// Where tunnels are accepted
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:15008", value_parser = parse_address)]
    inbound: SocketAddr,

    /// Who else may say by x-istio-source that it is a waypoint, and so not be led through one; or an ingress gateway. The
    /// waypoints that the mesh file names always may. `*` is everybody, as in Istio. May be repeated
    #[arg(long, value_name = "waypoint|gateway=SPIFFE")]
    believe: Vec<Believing>,

    /// How long the tunnels to an endpoint may go on once the mesh file says that it is unhealthy, or has it no more. Then they are
    /// reset one after another, so that their clients open new ones, which lead elsewhere
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    endpoint_drain: Duration,

    #[command(flatten)]
    baggage: AmbientBaggage,

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
    let gateway = Gateway::new(
        &proxy,
        cli.baggage.exchange(),
        Believed::new(cli.believe),
        listener.local_addr().unwrap_or(cli.inbound),
        cli.endpoint_drain,
    );
    let server = Server::new(proxy.acceptor()?, gateway);
    let handle = server.handle();
    proxy.metrics().watch_server("inbound", handle.clone());
    let serving = tokio::spawn(server.run(listener));

    proxy.until_drain().await;
    handle.drain();
    let ended = async {
        // A panic in it has been reported already.
        let _ = serving.await;
    };
    proxy.drained(ended).await;
    // What is still open must not look as if it had come to its end.
    handle.drain();
    Ok(())
}
