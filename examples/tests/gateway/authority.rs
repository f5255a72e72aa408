//! What a gateway answers to whom it does not know.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::endpoint::Endpoint;
use crate::world::{AT_ONCE, SERVICE, World, ask, cut, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_found_by_name_and_by_address_and_nothing_else_is() {
    let world = World::new();
    let gateway = world.start(&world.mesh(&[(10, 1, true)]), &[]).await;
    let pod = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
    let pool = world.pool();
    for authority in [SERVICE.to_owned(), format!("{}:80", world.ip(200))] {
        assert_eq!(
            ask(&pool, &world.route(&authority))
                .await
                .expect("a tunnel"),
            10,
            "{authority}"
        );
    }
    let taken = pod.taken();
    // [R53]
    for (authority, status) in [
        ("cart.shop.svc.cluster.local:80".to_owned(), 503),
        ("echo.shop.svc.cluster.local:81".to_owned(), 503),
        (format!("{}:81", world.ip(200)), 503),
        (format!("{}:80", world.ip(201)), 400),
        (format!("{}:8080", world.ip(10)), 400),
        ("169.254.169.254:80".to_owned(), 400),
        ("[::1]:80".to_owned(), 400),
    ] {
        let error = ask(&pool, &world.route(&authority))
            .await
            .expect_err("no tunnel");
        assert_eq!(refusal(&error), Some(status), "{authority}: {error}");
    }
    assert_eq!(pod.taken(), taken, "nobody was dialled for those");
    let refused = gateway.wait_for(&["connection complete", "ERROR"], 7).await;
    assert!(
        refused[0].contains("dst.hbone_addr=cart.shop"),
        "{}",
        refused[0]
    );
    let failed = world.get(15020, "/metrics").await;
    assert!(
        failed.contains("istio_tcp_connections_failed_total{"),
        "{failed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_shake_hands_is_counted_and_logged() {
    let world = World::new();
    let gateway = world.start(&world.mesh(&[]), &[]).await;
    let mut stranger = TcpStream::connect((world.ip(2), hbone::PORT))
        .await
        .expect("the gateway listens");
    stranger
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .await
        .expect("room");
    let _ = stranger.read_to_end(&mut Vec::new()).await;
    gateway.wait_for(&["connection failed", "inbound"], 1).await;
    let metrics = world.get(15020, "/metrics").await;
    let mut failed = metrics
        .lines()
        .filter(|line| line.starts_with("istio_tcp_connections_failed_total{"));
    let failed = failed.next().expect("a count");
    for part in ["reporter=\"", "response_flags=\"TLS_FAILURE\"", "} 1"] {
        assert!(failed.contains(part), "{part} in {failed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_of_other_networks_are_not_gone_on_to() {
    // [R52]
    let world = World::new();
    let mut mesh = world.mesh(&[(10, 1, true)]);
    mesh["workloads"][1]["network"] = "north".into();
    let _gateway = world.start(&mesh, &[]).await;
    let error = ask(&world.pool(), &world.route(SERVICE))
        .await
        .expect_err("no tunnel");
    assert_eq!(refusal(&error), Some(503), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_the_mesh_say_who_may_use_the_gateway() {
    let world = World::new();
    let mut mesh = world.mesh(&[(10, 1, true)]);
    let gateway = world.start(&mesh, &[]).await;
    let _pod = Endpoint::start(world.ip(10), 10, AT_ONCE).await;
    let pool = world.pool();
    ask(&pool, &world.route(SERVICE)).await.expect("a tunnel");
    let mut open = pool.connect(&world.route(SERVICE)).await.expect("a tunnel");
    crate::world::name(&mut open).await;
    mesh["policies"] = serde_json::json!([{
        "name": "nobody", "namespace": "shop", "scope": "Namespace", "action": "Deny",
        "rules": [[[{"principals": [{"Exact": "cluster.local/ns/shop/sa/client"}]}]]],
    }]);
    world.reload(&gateway, &mesh).await;
    let error = ask(&pool, &world.route(SERVICE))
        .await
        .expect_err("no tunnel");
    assert_eq!(refusal(&error), Some(403), "{error}");
    cut(&mut open).await; // what is open ends, too
}
