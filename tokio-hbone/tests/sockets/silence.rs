//! Clients that open TCP and say nothing.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::peer::{Figures, Peer, echoes};
use crate::process::{is_child, limited, resident, run_again};
use crate::support::ends::connector;

const SILENT: usize = 2_000;

#[test]
fn two_thousand_silent_sockets_cost_little_and_hold_up_nobody() {
    // [1]
    let prefix = limited("ulimit -n 5000");
    let prefix = prefix.each_ref().map(String::as_str);
    run_again(&prefix, "silence::in_a_process_with_descriptors_enough");
}

#[tokio::test]
#[ignore = "started by the test above, in a process of its own"]
async fn in_a_process_with_descriptors_enough() {
    if !is_child() {
        return;
    }
    let figures = Figures {
        handshake: 15_000,
        max_handshakes: 2 * SILENT,
        ..Figures::default()
    };
    let mut peer = Peer::start(&[], figures);
    // What a first client costs is not what a silent one does.
    let mut tunnel = connector().connect(&peer.route()).await.expect("a tunnel");
    echoes(&mut tunnel).await;
    let before = resident(peer.pid());
    let mut crowd = Vec::new();
    for _ in 0..SILENT {
        let socket = TcpStream::connect(peer.address()).await;
        crowd.push(socket.expect("a socket"));
    }
    peer.comes_to_hold(SILENT + 1, 1).await;
    let each = (resident(peer.pid()).saturating_sub(before)) as f64 / SILENT as f64;
    assert!(each < 20.0, "{each} KiB for each silent socket");

    let began = Instant::now();
    let mut another = connector().connect(&peer.route()).await.expect("a tunnel");
    echoes(&mut another).await;
    println!(
        "{each:.1} KiB each, a good client took {:?}",
        began.elapsed()
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    drop(another);
    // The deadline closes all of them, and nobody else.
    peer.comes_to_hold(1, 1).await;
    echoes(&mut tunnel).await;
    drop(crowd);
}
