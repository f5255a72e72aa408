//! The peer's SETTINGS_MAX_CONCURRENT_STREAMS, as it is and as it changes.

use std::future::pending;
use std::time::Duration;

use hbone::pool::{Failure, PoolConfig};
use hbone::{DialCause, DialError};
use tokio::time::{Instant, sleep};
use tokio_hbone::Pool;

use crate::network::{Network, echo, echo_at_most, moment, route, script, works};
use crate::support::frame::{Frame, MAX_CONCURRENT_STREAMS};
use crate::support::io::BoxIo;
use crate::support::raw::Raw;

async fn accept(raw: &mut Raw) -> u32 {
    let stream = raw.connect().await;
    raw.send([Frame::headers(stream, &[(":status", "200")])])
        .await;
    stream
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_allows_no_stream_is_waited_for_and_then_no_capacity() {
    // [93]
    let network = Network::with(|io: BoxIo, _| echo_at_most(io, 0));
    let wait = Duration::from_secs(7);
    let config = PoolConfig::new().max_wait(wait);
    let pool = Pool::builder(network.connector()).config(config).build();
    let start = Instant::now();
    let error = pool.connect(&route()).await.expect_err("no stream");
    let no_capacity = DialCause::NoStream(Failure::NoCapacity);
    assert_eq!(error, DialError::new(0, 1, no_capacity));
    assert_eq!(start.elapsed(), wait);
    assert_eq!(network.dials(), 1, "more connections would not help");
    assert_eq!((pool.stats().waiting, pool.stats().streams), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_none_that_is_raised_serves_who_waits() {
    // [93]
    let network = Network::with(|io, _| async move {
        let mut raw = script(io, &[(MAX_CONCURRENT_STREAMS, 0)]).await;
        sleep(Duration::from_secs(1)).await;
        raw.send([Frame::settings(&[(MAX_CONCURRENT_STREAMS, 5)])])
            .await;
        accept(&mut raw).await;
        raw.drain().await;
    });
    let pool = network.pool();
    let start = Instant::now();
    pool.connect(&route()).await.expect("a tunnel");
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert_eq!(network.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_allows_one_stream_gets_a_connection_for_each_tunnel() {
    // [94]
    let network = Network::with(|io: BoxIo, _| echo_at_most(io, 1));
    let pool = network.pool();
    let mut connects = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let pool = pool.clone();
        connects.spawn(async move {
            let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
            assert!(works(&mut tunnel).await);
            tunnel
        });
    }
    let tunnels = connects.join_all().await;
    assert_eq!((network.dials(), pool.stats().streams), (50, 50));
    drop(tunnels);
    moment().await;
    assert!(works(&mut pool.connect(&route()).await.expect("a tunnel")).await);
    assert_eq!(network.dials(), 50, "one of them is used again");
}

/// HBONE-T-010.
#[tokio::test(start_paused = true)]
async fn a_limit_that_is_lowered_cuts_nothing_and_sends_the_next_tunnel_elsewhere() {
    // [95]
    let network = Network::with(|io: BoxIo, number| async move {
        if number > 0 {
            return echo(io, number).await;
        }
        let mut raw = script(io, &[(MAX_CONCURRENT_STREAMS, 100)]).await;
        for _ in 0..3 {
            accept(&mut raw).await;
        }
        raw.send([Frame::settings(&[(MAX_CONCURRENT_STREAMS, 1)])])
            .await;
        // The first tunnel still works.
        let word = raw.expect(crate::support::frame::DATA).await;
        raw.send([Frame::data(word.stream, word.payload)]).await;
        pending().await
    });
    let pool = network.pool();
    let mut tunnels = Vec::new();
    for _ in 0..3 {
        tunnels.push(pool.connect(&route()).await.expect("a tunnel"));
    }
    moment().await;
    let mut next = pool.connect(&route()).await.expect("a tunnel");
    assert_eq!(network.dials(), 2);
    assert!(works(&mut next).await && works(&mut tunnels[0]).await);
}
