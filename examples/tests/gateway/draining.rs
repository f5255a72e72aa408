//! How a gateway ends, and how it takes leave of an endpoint.

use std::time::Duration;

use hbone::TunnelError;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use tokio_hbone::Tunnel;

use crate::endpoint::Endpoint;
use crate::world::{AT_ONCE, SERVICE, World, ask, cut, name};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_loses_nothing_within_the_deadline() {
    let world = World::new();
    let flags = ["--connection-termination-deadline", "30s"];
    let mut gateway = world.start(&world.mesh(&[(10, 1, true)]), &flags).await;
    let _pod = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
    let (pool, route) = (world.pool(), world.route(SERVICE));
    let mut open = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let mut tunnel = pool.connect(&route).await.expect("a tunnel");
        name(&mut tunnel).await;
        open.spawn(async move {
            for _ in 0..20 {
                tunnel.write_all(&[7; 5_000]).await.expect("room");
                sleep(Duration::from_millis(20)).await;
            }
            finish(tunnel).await
        });
    }
    sleep(Duration::from_millis(100)).await;
    gateway.signal(Signal::TERM);
    gateway.wait_for(&["draining"], 1).await;
    world
        .connector("client")
        .connect(&route)
        .await
        .expect_err("nothing new is taken");
    while let Some(bytes) = open.join_next().await {
        assert_eq!(bytes.expect("no error"), 100_000);
    }
    assert_eq!(gateway.end().await.code(), Some(0));
    assert_eq!(gateway.lines(&["connection complete", "ERROR"]).len(), 0);
    gateway.wait_for(&["drained"], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_at_the_deadline_or_at_a_second_signal_is_cut_and_does_not_look_complete() {
    for (deadline, signals) in [("200ms", 1), ("60s", 2)] {
        let world = World::new();
        let mut gateway = world
            .start(
                &world.mesh(&[(10, 1, true)]),
                &["--connection-termination-deadline", deadline],
            )
            .await;
        let _pod = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
        let mut tunnel = world
            .pool()
            .connect(&world.route(SERVICE))
            .await
            .expect("a tunnel");
        name(&mut tunnel).await;
        gateway.signal(Signal::TERM);
        gateway.wait_for(&["draining"], 1).await;
        if signals == 2 {
            gateway.signal(Signal::TERM);
        }
        tunnel
            .read_to_end(&mut Vec::new())
            .await
            .expect_err("no end of file");
        assert_eq!(gateway.end().await.code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_to_an_endpoint_that_leaves_are_told_to_move_and_others_go_on() {
    let world = World::new();
    let gateway = world
        .start(
            &world.mesh(&[(10, 1, true), (11, 1, true)]),
            &["--endpoint-drain", "4s"],
        )
        .await;
    let _leaving = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
    let _staying = Endpoint::start(world.ip(11), 11, AT_ONCE).await;
    let (pool, route) = (world.pool(), world.route(SERVICE));
    let (mut to_leaving, mut to_staying) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        let mut tunnel = pool.connect(&route).await.expect("a tunnel");
        match name(&mut tunnel).await {
            10 => to_leaving.push(tunnel),
            _ => to_staying.push(tunnel),
        }
    }
    assert_eq!((to_leaving.len(), to_staying.len()), (4, 4));
    // [R56]
    world
        .reload(&gateway, &world.mesh(&[(10, 1, false), (11, 1, true)]))
        .await;
    assert_eq!(
        ask(&pool, &route).await.expect("a tunnel"),
        11,
        "nothing new leads there"
    );
    let mut finished = to_leaving.pop().expect("one");
    finished.write_all(b"in time").await.expect("room");
    assert_eq!(finish(finished).await, 7, "what ends by itself is let be");
    for mut tunnel in to_leaving {
        assert!(matches!(cut(&mut tunnel).await, TunnelError::Reset(_)));
    }
    for mut tunnel in to_staying {
        tunnel.write_all(b"still there").await.expect("room");
        assert_eq!(finish(tunnel).await, 11);
    }
    // One that is gone from the file leaves likewise; one that was away for a moment does not.
    let mut tunnel = pool.connect(&route).await.expect("a tunnel");
    name(&mut tunnel).await;
    world.reload(&gateway, &world.mesh(&[(10, 1, true)])).await;
    world.reload(&gateway, &world.mesh(&[(11, 1, true)])).await;
    sleep(Duration::from_millis(4_200)).await;
    tunnel.write_all(b"still there").await.expect("room");
    assert_eq!(finish(tunnel).await, 11);
    let mut tunnel = pool.connect(&route).await.expect("a tunnel");
    name(&mut tunnel).await;
    world.reload(&gateway, &world.mesh(&[(10, 1, true)])).await;
    cut(&mut tunnel).await;
}

/// Ends our half and counts what still comes.
async fn finish(mut tunnel: Tunnel) -> usize {
    tunnel.shutdown().await.expect("an end");
    let mut rest = Vec::new();
    tunnel.read_to_end(&mut rest).await.expect("the end");
    rest.len()
}
