//! A connect that is dropped, wherever it is.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use hbone::Route;
use tokio::task::JoinSet;
use tokio_hbone::Pool;

use crate::double::{Behind, double_route};
use crate::network::{Network, echo, moment, route, works};

/// Polls `work` this often at most.
async fn polled<T>(times: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

async fn cancel_at_every_point(pool: &Pool, route: &Route) {
    let mut done = 0;
    for times in 0..1_000 {
        let mut rivals = JoinSet::new();
        for rival in 0..times % 3 {
            let (pool, route) = (pool.clone(), route.clone());
            rivals.spawn(async move { polled(times / 4 + rival, pool.connect(&route)).await });
        }
        let connect = async {
            let connected = pool.connect(route).await;
            connected.map(drop)
        };
        done += usize::from(polled(times % 40, connect).await.is_some());
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
