//! A peer whose process stands still.

use std::io::ErrorKind;
use std::time::Duration;

use hbone::{KeepaliveConfig, Loss, TunnelError};
use tokio::io::AsyncReadExt;
use tokio_hbone::Pool;

use crate::peer::{Figures, Peer, echoes};
use crate::process::{held, until};
use crate::support::ends::{connector, tunnel_error};
use crate::support::soon;

/// Those of the table of faults: asked after 200 ms, given up 400 ms later.
const KEEPALIVE: (u64, u64) = (200, 400);

fn keepalive() -> KeepaliveConfig {
    let (interval, timeout) = KEEPALIVE;
    KeepaliveConfig::new(
        Duration::from_millis(interval),
        Duration::from_millis(timeout),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_peer_is_given_up_and_neither_end_keeps_a_descriptor() {
    // [129]
    let figures = Figures {
        keepalive: KEEPALIVE,
        ..Figures::default()
    };
    let mut peer = Peer::start(&[], figures);
    let pool = Pool::new(connector().with_keepalive(Some(keepalive())));
    let mut tunnel = pool.connect(&peer.route()).await.expect("a tunnel");
    echoes(&mut tunnel).await;
    assert_eq!(held(peer.address()), 2, "one here, one there");

    peer.signal("STOP");
    let error = soon(tunnel.read_u8()).await.expect_err("a failure");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(tunnel_error(&error), TunnelError::Lost(Loss::Unanswered));
    drop(tunnel);
    until("our descriptor is gone", || held(peer.address()) <= 1).await;
    assert_eq!(pool.stats().streams, 0);

    peer.signal("CONT");
    peer.comes_to_hold(0, 0).await;
    until("its descriptor is gone", || held(peer.address()) == 0).await;
    // It is there again, and so is the pool.
    let mut tunnel = pool.connect(&peer.route()).await.expect("a tunnel");
    echoes(&mut tunnel).await;
    assert_eq!(pool.stats().handshakes, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_client_is_given_up_by_its_server() {
    // [129], the other way about: the runtime of this client stands still as its process would.
    let figures = Figures {
        keepalive: KEEPALIVE,
        ..Figures::default()
    };
    let mut peer = Peer::start(&[], figures);
    let route = peer.route();
    let client = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let tunnel = runtime.block_on(async {
            let mut tunnel = connector().connect(&route).await.expect("a tunnel");
            echoes(&mut tunnel).await;
            tunnel
        });
        (runtime, tunnel)
    });
    let stands_still = client.join().expect("no panic");
    peer.comes_to_hold(0, 0).await;
    // A runtime may not be dropped within another.
    std::thread::spawn(move || drop(stands_still))
        .join()
        .expect("no panic");
}
