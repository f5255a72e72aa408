//! What stands beside a workload and speaks HBONE for it, as ztunnel does: all of `node-proxy` but its process.

mod inbound;
mod original_destination;
mod outbound;
mod own_listeners;
mod plaintext;
mod proxy_header;
mod socks5;
mod transparent;

use std::sync::Arc;

use crate::proxy::{Connections, Control, EXIT_CODES, Listen, Options, Proxy, StartError, named};
use baggage::istio::Dialect;
use clap::builder::BoolValueParser;
use clap::{ArgAction, Parser};
use peer_meta::ExchangeConfig;
use peer_meta::labels::LabelDialect;
use tokio::net::TcpListener;
use tokio_hbone::Server;

use crate::node_proxy::inbound::Inbound;
use crate::node_proxy::outbound::Outbound;
use crate::node_proxy::own_listeners::OwnListeners;
use crate::node_proxy::plaintext::Plaintext;

/// Carry a workload's connections over HBONE, and accept those for it: ztunnel's job for one workload.
///
/// Outbound, applications reach it by SOCKS5 or by a REDIRECT of iptables; it finds the way by the mesh file: plain, through a
/// tunnel, through a waypoint, or through another network's gateway. Inbound, it ends tunnels on port 15008, asks the
/// authorization policies, and connects to the application.
#[derive(Debug, Parser)]
#[command(name = "node-proxy", version, after_help = EXIT_CODES)]
#[non_exhaustive]
pub struct Cli {
    /// Where tunnels are accepted, or off
    #[arg(long, value_name = "ADDR|off", default_value = "0.0.0.0:15008")]
    inbound: Listen,

    /// Where plain connections to the workload arrive that iptables has redirected, or off
    #[arg(long, value_name = "ADDR|off", default_value = "0.0.0.0:15006")]
    plaintext: Listen,

    /// Where connections of the workload arrive that iptables has redirected, or off
    #[arg(long, value_name = "ADDR|off", default_value = "0.0.0.0:15001")]
    outbound: Listen,

    /// Where applications ask for connections by SOCKS5, or off
    #[arg(long, value_name = "ADDR|off", default_value = "127.0.0.1:15080")]
    socks5: Listen,

    /// Whether answers tell who the workload is, and requests are asked who sent them
    #[arg(long, env = "ENABLE_RESPONSE_BAGGAGE", value_name = "BOOL", default_value = "true",
          action = ArgAction::Set, value_parser = named(BoolValueParser::new()))]
    enable_response_baggage: bool,

    /// Whether an application's tunnel of protocol PROXY is reached at 127.0.0.1 or ::1, and not at the workload's address
    #[arg(long, env = "LOCALHOST_APP_TUNNEL", value_name = "BOOL", default_value = "true",
          action = ArgAction::Set, value_parser = named(BoolValueParser::new()))]
    localhost_app_tunnel: bool,

    // No flag, and so nothing that clap is to tell of.
    #[arg(skip)]
    #[expect(
        missing_docs,
        reason = "clap would take them for those of a flag; see `Outbound::with_own_tunnels`"
    )]
    pub own_tunnels: bool,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for those of the flags")]
    pub options: Options,
}

/// Serves until `control` says to drain, and has drained then.
///
/// # Errors
/// [`StartError`]: it cannot start.
pub async fn serve(cli: Cli, control: Control) -> Result<(), StartError> {
    if [cli.inbound, cli.plaintext, cli.outbound, cli.socks5]
        .iter()
        .all(|listen| listen.address().is_none())
    {
        return Err(StartError::Flags(
            "--inbound, --plaintext, --outbound and --socks5 are all off, so nobody could come; leave one of them on",
        ));
    }
    let mut proxy = Proxy::start(
        &cli.options,
        control,
        Dialect::Ztunnel,
        LabelDialect::Ztunnel,
    )
    .await?;
    let listen = async |listen: Listen, purpose| match listen.address() {
        Some(address) => proxy.listen(address, purpose).await.map(Some),
        None => Ok(None),
    };
    let tunnels = listen(cli.inbound, "tunnels").await?;
    let plain = listen(cli.plaintext, "redirected inbound connections").await?;
    let captured = listen(cli.outbound, "redirected outbound connections").await?;
    let socks = listen(cli.socks5, "SOCKS5").await?;
    let listeners = [&tunnels, &plain, &captured, &socks].into_iter().flatten();
    let own = OwnListeners::new(
        [cli.options.metrics, cli.options.ready],
        listeners.filter_map(|listener: &TcpListener| listener.local_addr().ok()),
    );

    let exchange = ExchangeConfig::new().with_response_baggage(cli.enable_response_baggage);
    let pool = proxy.pool()?;
    let outbound = Outbound::new(&proxy, pool.clone(), exchange, own.clone());
    let outbound = Arc::new(match cli.own_tunnels {
        true => outbound.with_own_tunnels(proxy.connector()?),
        false => outbound,
    });
    let connections = Connections::default();
    let mut accepting = Vec::new();
    if let Some(listener) = socks {
        let outbound = Arc::clone(&outbound);
        accepting.push(connections.accept(listener, move |socket, from, admitted| {
            socks5::serve(Arc::clone(&outbound), socket, from, admitted)
        }));
    }
    if let Some(listener) = captured {
        accepting.push(connections.accept(listener, move |socket, from, admitted| {
            transparent::serve(Arc::clone(&outbound), socket, from, admitted)
        }));
    }
    if let Some(listener) = plain {
        let plaintext = Arc::new(Plaintext::new(&proxy, exchange, own.clone()));
        accepting.push(connections.accept(listener, move |socket, from, admitted| {
            Arc::clone(&plaintext).serve(socket, from, admitted)
        }));
    }
    let inbound = Inbound::new(&proxy, exchange, &own, cli.localhost_app_tunnel);
    let server = Server::new(proxy.acceptor()?, inbound);
    let handle = server.handle();
    proxy.metrics().watch_server("inbound", handle.clone());
    let serving = tunnels.map(|listener| tokio::spawn(server.run(listener)));

    proxy.until_drain().await;
    for listener in accepting {
        listener.abort();
    }
    connections.drain();
    handle.drain();
    let ended = async {
        connections.ended().await;
        if let Some(serving) = serving {
            // A panic in it has been reported already.
            let _ = serving.await;
        }
        pool.drain().await;
    };
    proxy.drained(ended).await;
    // What is still open must not look as if it had come to its end.
    handle.drain();
    connections.cut().await;
    pool.close();
    Ok(())
}
