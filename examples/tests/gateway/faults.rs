//! What becomes of tunnels when somebody dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hbone::{DialCause, EstablishError, RequestError};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use crate::endpoint::Endpoint;
use crate::process::PATIENCE;
use crate::world::{AT_ONCE, SERVICE, World, ask, name, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_down_costs_nobody_a_tunnel_and_comes_back_by_itself() {
    // [R55]
    let world = World::new();
    let _gateway = world
        .start(&world.mesh(&[(10, 1, true), (11, 1, true)]), &[])
        .await;
    let down = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
    let up = Endpoint::start(world.ip(11), 11, AT_ONCE).await;
    let (pool, route) = (world.pool(), world.route(SERVICE));
    let mut open = pool.connect(&route).await.expect("a tunnel");
    let mut other = pool.connect(&route).await.expect("a tunnel");
    if name(&mut open).await != 10 {
        std::mem::swap(&mut open, &mut other);
    }
    down.kill().await;
    for _ in 0..100 {
        assert_eq!(ask(&pool, &route).await.expect("a tunnel"), 11);
    }
    // Sockets of a process that is killed end in either way; that what was sent is not whole, the TLS inside would tell.
    let _ = open.read_to_end(&mut Vec::new()).await;
    other
        .write_all(b"x")
        .await
        .expect("another endpoint's tunnels go on");

    let _back = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
    let deadline = Instant::now() + PATIENCE;
    while ask(&pool, &route).await.expect("a tunnel") != 10 {
        assert!(Instant::now() < deadline, "it was never asked again");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(up.taken() > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_endpoint_the_answer_is_503() {
    let world = World::new();
    let gateway = world
        .start(&world.mesh(&[(10, 1, true), (11, 1, true)]), &[])
        .await;
    let (pool, route) = (world.pool(), world.route(SERVICE));
    for _ in 0..5 {
        let error = ask(&pool, &route).await.expect_err("no tunnel");
        assert_eq!(refusal(&error), Some(503), "{error}");
    }
    let log = gateway
        .wait_for(&["connection complete", "refused the connection"], 5)
        .await;
    assert!(log[0].contains(":15008"), "{}", log[0]);
    let _up = Endpoint::start(world.ip(11), 11, AT_ONCE).await;
    assert_eq!(
        ask(&pool, &route).await.expect("a tunnel"),
        11,
        "whom nobody may ask is asked if nobody else is left"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_under_load_loses_its_own_tunnels_and_no_others() {
    let world = World::new();
    let mesh = world.mesh(&[(10, 1, true)]);
    let gateway = world.start(&mesh, &[]).await;
    let pod = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
    let (pool, route) = (world.pool(), world.route(SERVICE));
    let stop = Arc::new(AtomicBool::new(false));
    let (good, lost) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (pool, route, stop) = (pool.clone(), route.clone(), Arc::clone(&stop));
        let (good, lost) = (Arc::clone(&good), Arc::clone(&lost));
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                match exchange(&pool, &route).await {
                    Ok(()) => good.fetch_add(1, Ordering::Relaxed),
                    Err(()) => lost.fetch_add(1, Ordering::Relaxed),
                };
                sleep(Duration::from_millis(5)).await;
            }
        });
    }
    reach(&good, 50).await;
    gateway.signal(Signal::KILL);
    drop(gateway);
    reach(&lost, 1).await;
    let error = world
        .connector("client")
        .connect(&route)
        .await
        .expect_err("nobody there");
    assert!(
        matches!(error.cause, DialCause::Establish(EstablishError::Io { .. })),
        "{error}"
    );

    let _again = world.restart(&[]).await;
    let before = good.load(Ordering::Relaxed);
    reach(&good, before + 50).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = load.join_next().await {
        ended.expect("no byte was wrong");
    }
    assert!(pod.taken() >= good.load(Ordering::Relaxed));
}

/// Sends something there and back. What comes back is right or is an error, never less with a good end.
async fn exchange(pool: &tokio_hbone::Pool, route: &hbone::Route) -> Result<(), ()> {
    let mut tunnel = match pool.connect(route).await {
        Ok(tunnel) => tunnel,
        Err(error) => {
            let is_wrong = matches!(error.cause, DialCause::Request(RequestError::Refused(_)));
            assert!(
                !is_wrong,
                "a gateway that is not there does not answer: {error}"
            );
            return Err(());
        }
    };
    tunnel.write_all(&[7; 10_000]).await.map_err(drop)?;
    tunnel.shutdown().await.map_err(drop)?;
    let mut back = Vec::new();
    tunnel.read_to_end(&mut back).await.map_err(drop)?;
    assert_eq!(back.len(), 10_001);
    Ok(())
}

async fn reach(count: &AtomicUsize, goal: usize) {
    let deadline = Instant::now() + PATIENCE;
    while count.load(Ordering::Relaxed) < goal {
        assert!(
            Instant::now() < deadline,
            "{} of {goal}",
            count.load(Ordering::Relaxed)
        );
        sleep(Duration::from_millis(10)).await;
    }
}
