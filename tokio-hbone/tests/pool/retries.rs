//! What is sent again on another connection, and what never is.

use std::time::Duration;

use hbone::pool::PoolConfig;
use hbone::{DialCause, KeepaliveConfig, Reason, RequestError};
use tokio::time::sleep;
use tokio_hbone::Pool;

use crate::network::{Network, echo, moment, route, script, works};
use crate::support::frame::{Frame, HEADERS};
use crate::support::io::BoxIo;

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;

/// Its first connection answers the first CONNECT with `answer`, and then goes on as it may. The next ones are good.
fn spoilt(answer: impl Fn(u32) -> Frame + Copy + Send + Sync + 'static) -> Network {
    Network::with(move |io, number| async move {
        if number > 0 {
            return echo(io, number).await;
        }
        let mut raw = script(io, &[]).await;
        let stream = raw.connect().await;
        raw.send([answer(stream)]).await;
        raw.drain().await;
    })
}

#[tokio::test(start_paused = true)]
async fn a_refused_stream_is_opened_again_on_another_connection() {
    // [88]
    let network = spoilt(|stream| Frame::reset(stream, REFUSED_STREAM));
    let pool = network.pool();
    let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
    assert!(works(&mut tunnel).await);
    assert_eq!(network.dials(), 2);
    moment().await;
    let stats = pool.stats();
    assert_eq!(
        (stats.streams, stats.open),
        (1, 1),
        "the first one is closed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_refuses_again_is_not_asked_a_third_time() {
    // [88]
    let network = Network::with(|io, _| async move {
        let mut raw = script(io, &[]).await;
        while let Some(frame) = raw.frame().await {
            raw.send([Frame::reset(frame.stream, REFUSED_STREAM)]).await;
        }
    });
    let pool = network.pool();
    let error = pool.connect(&route()).await.expect_err("refused");
    let refused = DialCause::Request(RequestError::Reset(Reason::REFUSED_STREAM));
    assert_eq!((error.cause, network.dials()), (refused, 2));
    assert_eq!(pool.stats().streams, 0);
}

#[tokio::test(start_paused = true)]
async fn any_other_reset_is_the_callers() {
    // [88]
    let network = spoilt(|stream| Frame::reset(stream, INTERNAL_ERROR));
    let pool = network.pool();
    let error = pool.connect(&route()).await.expect_err("reset");
    let reset = DialCause::Request(RequestError::Reset(Reason::INTERNAL_ERROR));
    assert_eq!((error.cause, network.dials()), (reset, 1));
    assert_eq!((pool.stats().streams, pool.stats().open), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_goaway_leaves_out_is_sent_again() {
    // [89]
    let network = spoilt(|_| Frame::go_away(0, NO_ERROR));
    let pool = network.pool();
    let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
    assert!(works(&mut tunnel).await);
    assert_eq!(network.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_goaway_includes_is_answered_where_it_is_and_the_next_goes_elsewhere() {
    // [89]
    let network = Network::with(|io: BoxIo, number| async move {
        if number > 0 {
            return echo(io, number).await;
        }
        let mut raw = script(io, &[]).await;
        let stream = raw.connect().await;
        raw.send([Frame::go_away(stream, NO_ERROR)]).await;
        sleep(Duration::from_secs(1)).await;
        raw.send([Frame::headers(stream, &[(":status", "200")])])
            .await;
        raw.drain().await;
    });
    let pool = network.pool();
    let first = tokio::spawn({
        let pool = pool.clone();
        async move { pool.connect(&route()).await }
    });
    sleep(Duration::from_millis(500)).await;
    let mut second = pool.connect(&route()).await.expect("a tunnel");
    assert!(works(&mut second).await);
    let first = first.await.expect("no panic").expect("a tunnel");
    assert_eq!((network.dials(), pool.stats().draining), (2, 1));
    drop(first);
    moment().await;
    assert_eq!((network.open(), pool.stats().draining), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_says_goaway_is_not_used_again() {
    // [89]
    let network = Network::with(|io: BoxIo, number| async move {
        if number > 0 {
            return echo(io, number).await;
        }
        let mut raw = script(io, &[]).await;
        let stream = raw.connect().await;
        raw.send([
            Frame::last_headers(stream, &[(":status", "403")]),
            Frame::go_away(stream, NO_ERROR),
        ])
        .await;
        raw.drain().await;
    });
    let pool = network.pool();
    assert!(pool.connect(&route()).await.is_err());
    moment().await;
    assert_eq!((pool.stats().open, network.open()), (0, 0));
    pool.connect(&route()).await.expect("a tunnel");
    assert_eq!(network.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_died_unnoticed_is_replaced_once() {
    // [104]
    let network = Network::with(|io: BoxIo, number| async move {
        if number > 1 {
            return echo(io, number).await;
        }
        // It takes one tunnel, and vanishes when it hears of another.
        let mut raw = script(io, &[]).await;
        let stream = raw.connect().await;
        raw.send([Frame::headers(stream, &[(":status", "200")])])
            .await;
        while raw.frame().await.is_some_and(|frame| frame.kind != HEADERS) {}
    });
    // Two connections with one stream each, both half-open in the same way.
    let config = PoolConfig::new().max_streams_per_connection(1);
    let pool = Pool::builder(network.connector()).config(config).build();
    let first = pool.connect(&route()).await.expect("a tunnel");
    let second = pool.connect(&route()).await.expect("a tunnel");
    drop((first, second));
    moment().await;
    assert_eq!(pool.stats().open, 2);
    let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
    assert!(
        works(&mut tunnel).await,
        "on a fresh one, and not on its sibling"
    );
    assert_eq!((network.dials(), pool.stats().streams), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_whose_peer_is_silent_is_given_up_in_time() {
    // [104]
    let network = Network::with(|io: BoxIo, number| async move {
        if number > 0 {
            return echo(io, number).await;
        }
        let mut raw = script(io, &[]).await;
        let stream = raw.connect().await;
        raw.send([Frame::headers(stream, &[(":status", "200")])])
            .await;
        std::future::pending::<()>().await;
    });
    let pool = network.pool();
    drop(pool.connect(&route()).await.expect("a tunnel"));
    let keepalive = KeepaliveConfig::default();
    sleep(keepalive.interval + keepalive.timeout - Duration::from_secs(1)).await;
    assert_eq!(pool.stats().open, 1);
    sleep(Duration::from_secs(2)).await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.tasks, stats.lost), (0, 0, 1));
    let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
    assert!(works(&mut tunnel).await);
}

#[tokio::test(start_paused = true)]
async fn a_connection_taken_as_its_idle_time_is_up_is_good_or_new() {
    // [103]
    let network = Network::with(echo);
    let idle = Duration::from_secs(1);
    let config = PoolConfig::new().idle_timeout(idle).jitter_percent(0);
    let pool = Pool::builder(network.connector()).config(config).build();
    for round in 0..300_u32 {
        let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
        assert!(works(&mut tunnel).await, "round {round}");
        drop(tunnel);
        sleep(idle + Duration::from_micros(u64::from(round % 3)) - Duration::from_micros(1)).await;
    }
    assert!(network.dials() > 1, "some of them were too late");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_idle_connections_at_that_instant_costs_nobody_a_tunnel() {
    // [103]
    let network = Network::with(|io: BoxIo, _| async move {
        let mut raw = script(io, &[]).await;
        let stream = raw.connect().await;
        raw.send([Frame::headers(stream, &[(":status", "200")])])
            .await;
        sleep(Duration::from_secs(1)).await;
        // The next CONNECT may be on its way already.
        raw.send([Frame::go_away(stream, NO_ERROR)]).await;
    });
    let pool = network.pool();
    for _ in 0..100 {
        drop(pool.connect(&route()).await.expect("a tunnel"));
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(pool.stats().streams, 0);
}
