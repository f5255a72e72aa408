use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::pool::PoolConfig;
use hbone::{Connect, Hop, Route};
use tokio::net::TcpListener;
use tokio_hbone::{
    Acceptor, Connector, Http2Config, Incoming, Pool, Relay as Relaying, Server, ServerConfig,
    Service, copy_bidirectional,
};

use crate::role::Relay;
use crate::secrets;

/// Plain TCP in, a tunnel of a pooled connection out for each.
pub(crate) async fn client(listener: TcpListener, relay: &Relay) -> Result<()> {
    let connector = Connector::new(secrets::our_client(&relay.secrets)?);
    let most = PoolConfig::new()
        .max_streams_per_connection(relay.streams)
        .max_connections_per_key(1024)
        .max_wait(Duration::from_secs(60));
    let pool = Pool::builder(connector).config(most).build();
    let route = Arc::new(route(relay)?);
    loop {
        let (mut socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (pool, route) = (pool.clone(), Arc::clone(&route));
        tokio::spawn(async move {
            match pool.connect(&route).await {
                // The application learns of a failure.
                Ok(mut tunnel) => drop(copy_bidirectional(&mut tunnel, &mut socket).await),
                Err(error) => eprintln!("our client: {error}"),
            }
        });
    }
}

/// Tunnels in, plain TCP out, as a proxy serves them: with a policy.
pub(crate) async fn server(listener: TcpListener, relay: &Relay) -> Result<()> {
    let mut http2 = Http2Config::server();
    http2.concurrent_streams = http2.concurrent_streams.max(relay.streams);
    let acceptor = Acceptor::new(secrets::our_server(&relay.secrets)?).with_http2(http2);
    let loopback = AllowEntry::to_addresses(["127.0.0.0/8".parse()?]);
    let policy =
        DestinationPolicy::allow_list([loopback]).open(Opening::Range(DeniedRange::Loopback));
    let server = Server::with_config(
        acceptor,
        Relaying::new(Local(policy)),
        ServerConfig::default(),
    );
    server.run(listener).await;
    Ok(())
}

/// One hop, or through a gateway.
fn route(relay: &Relay) -> Result<Route> {
    let to_sink = Hop::new(Connect::new(relay.sink.into()), secrets::peer()?);
    Ok(match relay.inner {
        None => Route::new(relay.next, to_sink),
        Some(inner) => {
            let to_relay = Hop::new(Connect::new(inner.into()), secrets::peer()?);
            Route::new(relay.next, to_relay).through(to_sink)
        }
    })
}

/// Lets everybody reach what is on this host.
struct Local(DestinationPolicy);

impl Service for Local {
    fn policy(&self, _incoming: &Incoming) -> DestinationPolicy {
        self.0.clone()
    }
}
