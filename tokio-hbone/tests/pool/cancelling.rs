//! A connect that is dropped, wherever it is.

use hbone::Route;
use tokio::task::JoinSet;
use tokio_hbone::Pool;

use crate::double::{Behind, double_route};
use crate::network::{Network, echo, moment, route, works};
use crate::support::cut::{Cut, at_every_poll};
use crate::support::{soon, tasks, tasks_end};

async fn cancel_at_every_point(pool: &Pool, route: &Route) {
    let mut done = 0;
    for times in 0..1_000 {
        let mut rivals = JoinSet::new();
        for rival in 0..times % 3 {
            let (pool, route) = (pool.clone(), route.clone());
            rivals.spawn(async move {
                Cut::woken(times / 4 + rival)
                    .short(pool.connect(&route))
                    .await
            });
        }
        let connect = async {
            let connected = pool.connect(route).await;
            connected.map(drop)
        };
        done += usize::from(Cut::woken(times % 40).short(connect).await.is_some());
        drop(rivals);
        if times % 50 == 0 {
            moment().await;
            // Whoever waits beside those who give up is served.
            let mut tunnel = pool.connect(route).await.expect("a tunnel");
            assert!(works(&mut tunnel).await);
        }
    }
    assert!(done > 100, "only {done} were not cancelled");
    moment().await;
    let stats = pool.stats();
    assert_eq!(stats.waiting, 0, "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connect_dropped_at_any_point_leaves_nothing() {
    // [98]
    let network = Network::with(echo);
    let pool = network.pool();
    cancel_at_every_point(&pool, &route()).await;
    assert_eq!(pool.stats().streams, 0);
    pool.drain().await;
    moment().await;
    assert_eq!((pool.stats().tasks, network.open()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_connect_through_a_gateway_dropped_at_any_point_leaves_nothing() {
    // [98]
    let behind = Behind::new();
    let pool = behind.network.pool();
    cancel_at_every_point(&pool, &double_route()).await;
    pool.drain().await;
    moment().await;
    let stats = pool.stats();
    assert_eq!((stats.streams, stats.tasks), (0, 0), "{stats:?}");
    assert_eq!(behind.network.open(), 0);
}

/// One connect that is dropped, to a destination that has a connection or not; then another, which works; then the end of all.
async fn drop_one_connect(cut: Cut, network: &Network, route: &Route, is_warm: bool) -> bool {
    let before = tasks();
    let pool = network.pool();
    if is_warm {
        drop(pool.connect(route).await.expect("a tunnel"));
    }
    let connected = soon(cut.short(pool.connect(route))).await;
    let is_whole = connected.is_some();
    drop(connected.map(|connected| connected.expect("a tunnel")));
    moment().await;
    let stats = pool.stats();
    assert_eq!(
        (stats.waiting, stats.transport.connecting),
        (0, 0),
        "{stats:?}"
    );

    let mut tunnel = soon(pool.connect(route)).await.expect("a tunnel");
    assert!(soon(works(&mut tunnel)).await);
    drop(tunnel);
    soon(pool.drain()).await;
    moment().await;
    let stats = pool.stats();
    assert_eq!((stats.streams, stats.tasks), (0, 0), "{stats:?}");
    let held = stats.transport;
    assert_eq!(
        (held.handshaking, held.connections, held.tunnels),
        (0, 0, 0),
        "{held:?}"
    );
    assert_eq!(network.open(), 0);
    // With the pool its clock's task goes too.
    drop(pool);
    tasks_end(before).await;
    is_whole
}

#[tokio::test(start_paused = true)]
async fn after_a_connect_dropped_after_any_poll_the_pool_works_and_ends() {
    // [98]
    for is_warm in [false, true] {
        at_every_poll(async |cut| {
            drop_one_connect(cut, &Network::with(echo), &route(), is_warm).await
        })
        .await;
        at_every_poll(async |cut| {
            let behind = Behind::new();
            drop_one_connect(cut, &behind.network, &double_route(), is_warm).await
        })
        .await;
    }
}
