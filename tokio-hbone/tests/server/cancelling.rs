//! A server that is dropped, wherever it is.

use std::time::Duration;

use hbone::{Accept, DrainConfig};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use tokio_hbone::{ConnectionConfig, Connector, Handler, Incoming, Server, ServerCounts, Tunnel};

use crate::pipes::{Door, pipes};
use crate::support::cut::{Cut, at_every_poll};
use crate::support::ends::{acceptor, connector, route};
use crate::support::{soon, tasks, tasks_end};

/// Sends everything back.
struct Echo;

impl Handler for Echo {
    async fn handle(&self, incoming: Incoming) {
        let Ok(mut tunnel) = incoming.accept(&Accept::default()) else {
            return;
        };
        while let Ok(Some(chunk)) = tunnel.read_chunk().await {
            if tunnel.write_chunk(chunk).await.is_err() {
                return;
            }
        }
        let _ = tunnel.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_dropped_at_any_point_of_its_life_leaves_nothing() {
    // [137]
    at_every_poll(serve).await;
}

/// A server with clients that come before and during its drain, some of whom end in time; whether it came to the end of it.
async fn serve(cut: Cut) -> bool {
    let before = tasks();
    let mut config = ConnectionConfig::default();
    config.drain = DrainConfig::default();
    config.drain.deadline = Duration::from_secs(1);
    let (door, listener) = pipes();
    let server = Server::new(acceptor().with_connection(config), Echo);
    let handle = server.handle();
    let serving = tokio::spawn(async move { cut.short(server.run(listener)).await.is_some() });
    let clients: Vec<_> = (0..4)
        .map(|client| tokio::spawn(use_it(connector(), door.clone(), client)))
        .collect();
    sleep(Duration::from_millis(100)).await;
    handle.drain();
    let is_whole = soon(serving).await.expect("no panic");
    for client in clients {
        soon(client).await.expect("no panic");
    }
    assert_eq!(handle.counts(), ServerCounts::default());
    drop(door);
    tasks_end(before).await;
    let held = handle.stats();
    let held = [
        held.handshaking,
        held.connections,
        held.connecting,
        held.tunnels,
    ];
    assert_eq!(held, [0; 4]);
    is_whole
}

/// Comes, says a word, and stays: for a while, or until it is sent away.
async fn use_it(connector: Connector, door: Door, client: u64) {
    sleep(Duration::from_millis(40 * client)).await;
    let route = route();
    let connecting = connector.connect_over(door.knock(), &route);
    let Ok(mut tunnel) = soon(connecting).await else {
        return;
    };
    if tunnel.write_all(b"hello").await.is_err() {
        return;
    }
    if client.is_multiple_of(2) {
        sleep(Duration::from_millis(300)).await;
        let _ = tunnel.shutdown().await;
    }
    soon(read_on(&mut tunnel)).await;
}

async fn read_on(tunnel: &mut Tunnel) {
    while let Ok(Some(_)) = tunnel.read_chunk().await {}
}
