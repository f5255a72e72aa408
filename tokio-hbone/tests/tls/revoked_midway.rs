//! A list that names a peer in the middle of its handshake.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use hbone::Accept;
use tokio::io::AsyncWriteExt;
use tokio_hbone::tls::{ClientTls, RevocationStats, ServerTls};
use tokio_hbone::{Acceptor, Connector};

use crate::crl::crl;
use crate::support::ends::{client_tls, incoming, read_all, route, server_tls};
use crate::support::io::pipe;
use crate::support::ordering_io::OrderingIo;
use crate::support::pki::{CLIENT, MESH, SERVER, mesh_bundle, workload};
use crate::support::{soon, tasks, tasks_end};

/// A client and a server over an IO of which `order` is given at this call; whether it came to that, and what they made of it.
async fn meet_and_revoke(
    client: &ClientTls,
    server: &ServerTls,
    call: usize,
    order: impl Fn() + Send + 'static,
) -> (bool, bool) {
    let before = tasks();
    let (near, far) = pipe();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let near = OrderingIo::new(near, move || {
        if counted.fetch_add(1, Relaxed) == call {
            order();
        }
    });
    let mut asked = incoming(far, Acceptor::new(server.clone()));
    tokio::spawn(async move {
        while let Some(asked) = asked.recv().await {
            if let Ok(mut tunnel) = asked.accept(&Accept::default()) {
                let _ = tunnel.write_all(b"secret").await;
                let _ = tunnel.shutdown().await;
                let _ = read_all(&mut tunnel).await;
            }
        }
    });
    let connector = Connector::new(client.clone());
    let connecting = soon(connector.connect_over(near, &route())).await;
    let was_told = match connecting {
        Ok(mut tunnel) => {
            let read = read_all(&mut tunnel).await;
            let _ = tunnel.shutdown().await;
            read.is_ok_and(|all| all == b"secret")
        }
        Err(_) => false,
    };
    tasks_end(before).await;
    (calls.load(Relaxed) > call, was_told)
}

/// HBONE-I-008.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_revoked_at_any_point_of_its_handshake_gets_no_tunnel_by_it() {
    // [21]
    for is_client in [false, true] {
        let mut steps = 0;
        for call in 0.. {
            let (client_shown, server_shown) = (workload(CLIENT), workload(SERVER));
            let server = server_tls(&server_shown, mesh_bundle());
            let client = client_tls(&client_shown, mesh_bundle());
            let (revocations, revoked) = match is_client {
                true => (server.revocations().clone(), client_shown),
                false => (client.revocations().clone(), server_shown),
            };
            let live = revocations.clone();
            let order = move || {
                revocations.replace(crl(&MESH, &[&revoked]));
            };
            let (came_to_it, was_told) = meet_and_revoke(&client, &server, call, order).await;
            assert_eq!(live.stats().live, 0);
            if !came_to_it {
                assert!(was_told && call > 10, "call {call}");
                break;
            }
            // At first the handshake is refused, then the connection that comes of it is ended, until it has ended by itself.
            let RevocationStats { refused, ended, .. } = live.stats();
            let step = match (refused, ended) {
                (1, 0) => 0,
                (0, 1) => 1,
                _ => 2,
            };
            assert!(
                step >= steps && step <= steps + 1,
                "call {call}: {refused}, {ended}"
            );
            assert!(step > 0 || !was_told, "call {call}");
            steps = step;
        }
    }
}
