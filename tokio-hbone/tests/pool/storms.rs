//! Many at once for one destination.

use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use hbone::{DialCause, DialError, EstablishError, Stage};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_hbone::{Pool, Tunnel};

use crate::network::{Network, echo, moment, route, works};

/// Connects this often at once, and gives all outcomes.
async fn storm(pool: &Pool, connects: usize) -> Vec<Result<Tunnel, DialError>> {
    let mut all = JoinSet::new();
    for _ in 0..connects {
        let pool = pool.clone();
        all.spawn(async move { pool.connect(&route()).await });
    }
    all.join_all().await
}

#[tokio::test(start_paused = true)]
async fn a_thousand_connects_to_a_cold_destination_take_ten_handshakes() {
    // [99]
    let network = Network::with(echo);
    let pool = network.pool();
    let mut tunnels = Vec::new();
    for outcome in storm(&pool, 1_000).await {
        tunnels.push(outcome.expect("a tunnel"));
    }
    assert!((9..=11).contains(&network.dials()), "{}", network.dials());
    let stats = pool.stats();
    assert_eq!(stats.handshakes, network.dials() as u64);
    assert_eq!((stats.streams, stats.waiting), (1_000, 0));
    for tunnel in tunnels.iter_mut().step_by(97) {
        assert!(works(tunnel).await);
    }
    drop(tunnels);
    assert_eq!(pool.stats().streams, 0);
    assert_eq!(pool.stats().open, network.dials(), "they wait for more");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_connects_to_a_dead_destination_fail_with_the_one_dial() {
    // [100]
    let pool = Pool::new(
        crate::support::ends::connector()
            .with_transport(|_| pending::<std::io::Result<tokio::io::DuplexStream>>()),
    );
    let start = Instant::now();
    for outcome in storm(&pool, 1_000).await {
        let error = outcome.expect_err("nobody is there");
        assert!(
            matches!(
                error.cause,
                DialCause::Establish(EstablishError::TimedOut {
                    stage: Stage::Tcp,
                    ..
                })
            ),
            "{error:?}"
        );
    }
    let deadline = hbone::Timeouts::default().tcp;
    assert!(start.elapsed() <= deadline + Duration::from_millis(200));
    assert_eq!(pool.stats().dials, 1);
    assert_eq!((pool.stats().waiting, pool.stats().tasks), (0, 0));

    // The next one does not try again at once, and learns why.
    let start = Instant::now();
    let error = pool.connect(&route()).await.expect_err("it rests");
    assert!(matches!(error.cause, DialCause::Establish(_)));
    assert_eq!((start.elapsed(), pool.stats().dials), (Duration::ZERO, 1));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(pool.connect(&route()).await.is_err());
    assert_eq!(pool.stats().dials, 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_caused_a_dial_may_give_up_and_the_others_are_served() {
    // [101]
    let network = Network::with(echo);
    let pool = network.pool();
    let route = route();
    let mut leader = Box::pin(pool.connect(&route));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(leader.as_mut().poll(&mut cx).is_pending());
    let others = tokio::spawn({
        let pool = pool.clone();
        async move { storm(&pool, 20).await }
    });
    tokio::task::yield_now().await;
    drop(leader);
    for outcome in others.await.expect("no panic") {
        outcome.expect("a tunnel");
    }
    assert_eq!(pool.stats().dials, 1);
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_nobody_wants_any_more_is_given_up() {
    // [98]
    let network = Network::with(|io, _| async move {
        let _io = io;
        pending().await
    });
    let pool = network.pool();
    {
        let route = route();
        let mut connect = pin!(pool.connect(&route));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(connect.as_mut().poll(&mut cx).is_pending());
        moment().await;
        assert_eq!((pool.stats().dialling, network.dials()), (1, 1));
    }
    moment().await;
    let stats = pool.stats();
    assert_eq!((stats.dialling, stats.waiting, stats.tasks), (0, 0, 0));
}
