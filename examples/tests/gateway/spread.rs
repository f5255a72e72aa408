//! How tunnels are shared out among endpoints.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::endpoint::Endpoint;
use crate::world::{AT_ONCE, SERVICE, World, ask};

#[tokio::test(flavor = "multi_thread")]
async fn every_thousand_tunnels_are_shared_by_weight_with_one_slow_one_removed_and_one_added() {
    let world = World::new();
    let all = [(10, 1, true), (11, 1, true), (12, 2, true)];
    let gateway = world.start(&world.mesh(&all), &[]).await;
    let _slow = Endpoint::start(world.ip(10), 10, Duration::from_millis(200)).await;
    let _quick = Endpoint::start(world.ip(11), 11, AT_ONCE).await;
    let _heavy = Endpoint::start(world.ip(12), 12, AT_ONCE).await;
    let _new = Endpoint::start(world.ip(13), 13, AT_ONCE).await;

    near(&thousand(&world).await, &[(10, 250), (11, 250), (12, 500)]);
    world
        .reload(&gateway, &world.mesh(&[(10, 1, true), (12, 2, true)]))
        .await;
    near(&thousand(&world).await, &[(10, 333), (12, 667)]);
    world
        .reload(
            &gateway,
            &world.mesh(&[(10, 1, true), (12, 2, true), (13, 1, true)]),
        )
        .await;
    near(&thousand(&world).await, &[(10, 250), (12, 500), (13, 250)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_log_name_whom_a_tunnel_came_from_and_went_to() {
    let world = World::new();
    let gateway = world.start(&world.mesh(&[(10, 1, true)]), &[]).await;
    let _pod = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
    let tunnel = world
        .pool()
        .connect(&world.route(SERVICE))
        .await
        .expect("a tunnel");
    assert!(
        world
            .get(15021, "/healthz/ready")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let baggage = &tunnel.answers()[0].accept.baggage;
    assert_eq!(
        baggage.as_slice()[0],
        "k8s.deployment.name=gateway,service.name=gateway,service.version=v7,k8s.namespace.name=shop,k8s.cluster.name=c-west,k8s.instance.name=gateway",
        "its own"
    );
    drop(tunnel);
    ask(&world.pool(), &world.route(SERVICE))
        .await
        .expect("a tunnel");
    let log = gateway.wait_for(&["connection complete", "INFO"], 1).await;
    for part in [
        &format!("dst.addr={}:15008", world.ip(10)),
        &format!("src.identity=\"{}\"", crate::world::id("client")),
        "dst.hbone_addr=echo.shop.svc.cluster.local:80",
        "dst.workload=\"echo-10\"",
        "bytes_sent=4 bytes_recv=5",
    ] {
        assert!(log[0].contains(part), "{part} in {}", log[0]);
    }
    let metrics = world.get(15020, "/metrics").await;
    let opened = metrics
        .lines()
        .find(|line| line.starts_with("istio_tcp_connections_opened_total{"))
        .expect("a series");
    for part in [
        "reporter=\"source\"",
        "source_workload=\"gateway\"",
        "destination_workload=\"echo\"",
        "destination_service_name=\"echo\"",
        "destination_cluster=\"c-west\"",
    ] {
        assert!(opened.contains(part), "{part} in {opened}");
    }
}

/// Who took each of a thousand tunnels, twenty at a time.
async fn thousand(world: &World) -> BTreeMap<u8, i32> {
    let (pool, route) = (world.pool(), world.route(SERVICE));
    let mut names = BTreeMap::new();
    let mut asking = JoinSet::new();
    for _ in 0..1000 {
        if asking.len() == 20 {
            *names
                .entry(asking.join_next().await.expect("one").expect("no panic"))
                .or_default() += 1;
        }
        let (pool, route) = (pool.clone(), route.clone());
        asking.spawn(async move { ask(&pool, &route).await.expect("a tunnel") });
    }
    while let Some(name) = asking.join_next().await {
        *names.entry(name.expect("no panic")).or_default() += 1;
    }
    names
}

/// Within five percentage points.
fn near(counts: &BTreeMap<u8, i32>, expected: &[(u8, i32)]) {
    assert_eq!(counts.values().sum::<i32>(), 1000);
    assert_eq!(counts.len(), expected.len(), "{counts:?}");
    for (name, share) in expected {
        let count = counts.get(name).copied().unwrap_or_default();
        assert!(
            (count - share).abs() <= 50,
            "{name} got {count} of {share}: {counts:?}"
        );
    }
}
