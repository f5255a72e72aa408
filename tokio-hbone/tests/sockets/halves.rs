//! Tunnels of which one half has ended, and the other never does.

use std::net::SocketAddr;
use std::time::Duration;

use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::{Connect, Hop, Route};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_hbone::{Incoming, Pool, Relay, RelayConfig, Server, Service, Tunnel};

use crate::process::{held, is_child, limited, own_loopback, run_again, until};
use crate::support::ends::{acceptor, connector, identity, tunnel_error};
use crate::support::pki::SERVER;

const TUNNELS: usize = 1_000;

#[test]
fn a_thousand_tunnels_that_stay_half_closed_keep_no_descriptor_behind_a_limit() {
    // [113]
    let prefix = limited("ulimit -n 5000");
    let prefix = prefix.each_ref().map(String::as_str);
    run_again(&prefix, "halves::in_a_process_with_descriptors_enough");
}

struct ToLoopback;

impl Service for ToLoopback {
    fn policy(&self, _incoming: &Incoming) -> DestinationPolicy {
        let entry = AllowEntry::to_addresses(["127.0.0.0/8".parse().expect("a range")]);
        let policy = DestinationPolicy::allow_list([entry]);
        policy.open(Opening::Range(DeniedRange::Loopback))
    }
}

/// An application that greets whoever comes, and then neither says more nor goes away.
async fn mute() -> SocketAddr {
    let listener = TcpListener::bind((own_loopback(), 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.write_all(b"!").await.expect("room");
            kept.push(socket);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test above, in a process of its own"]
async fn in_a_process_with_descriptors_enough() {
    if !is_child() {
        return;
    }
    let application = mute().await;
    let mut config = RelayConfig::default();
    config.copy.half_closed_timeout = Some(Duration::from_secs(1));
    let server = Server::new(acceptor(), Relay::with_config(ToLoopback, config));
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(server.run(listener));
    let connect = Connect::new(application.to_string().parse().expect("an authority"));
    let route = Route::new(address, Hop::new(connect, identity(SERVER).into()));
    let pool = Pool::new(connector());

    let mut whole = greeted(&pool, &route).await;
    let mut halves = Vec::new();
    for _ in 0..TUNNELS {
        let mut tunnel = greeted(&pool, &route).await;
        tunnel.shutdown().await.expect("an end");
        halves.push(tunnel);
    }
    // The application keeps its ends; the server keeps none but that of the tunnel whose halves are both open.
    until("the server lets go", || {
        held(application) == TUNNELS + 2 && handle.counts().tunnels == 1
    })
    .await;
    for mut tunnel in halves {
        let error = tunnel.read_u8().await.expect_err("it was cut");
        // No end of file, since the application has not ended its half.
        tunnel_error(&error);
    }
    whole.write_all(b"?").await.expect("it is open");
    drop(whole);
    until("that one too", || handle.counts().tunnels == 0).await;
    assert_eq!(pool.stats().streams, 0);
}

async fn greeted(pool: &Pool, route: &Route) -> Tunnel {
    let mut tunnel = pool.connect(route).await.expect("a tunnel");
    tunnel.read_u8().await.expect("a greeting");
    tunnel
}
