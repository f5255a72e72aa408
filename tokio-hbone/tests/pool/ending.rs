//! The end of a pool, the change of our certificate, and who is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use hbone::pool::{CloseReason, Failure, PoolConfig};
use hbone::{DialCause, Reason};
use tokio::time::{Instant, sleep, timeout};
use tokio_hbone::tls::{ClientTls, Rotating};
use tokio_hbone::{Connector, Event, Observer, Pool, PoolEvent};

use crate::network::{Network, echo, moment, route, script, works};
use crate::support::ends::OK;
use crate::support::frame::Frame;
use crate::support::pki::{CLIENT, mesh_bundle, workload};
use crate::support::script_tls::provider;

/// HBONE-R-005.
#[tokio::test(start_paused = true)]
async fn a_pool_that_drains_opens_nothing_and_waits_for_what_is_open() {
    let network = Network::with(echo);
    let pool = network.pool();
    let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
    let start = Instant::now();
    let use_it = async {
        sleep(Duration::from_secs(3)).await;
        assert!(works(&mut tunnel).await);
        let error = pool.connect(&route()).await.expect_err("it drains");
        assert_eq!(error.cause, DialCause::NoStream(Failure::Draining));
        drop(tunnel);
    };
    tokio::join!(pool.drain(), use_it);
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!((pool.stats().tasks, pool.stats().keys), (0, 0));
    moment().await;
    assert_eq!(network.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_closes_breaks_what_is_open() {
    let network = Network::with(echo);
    let pool = network.pool();
    let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
    assert!(timeout(Duration::from_secs(1), pool.drain()).await.is_err());
    pool.close();
    assert!(tunnel.read_chunk().await.is_err(), "no end of file");
    drop(tunnel);
    pool.drain().await;
    let stats = pool.stats();
    assert_eq!((stats.streams, stats.tasks), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_outlives_the_last_handle_of_its_pool() {
    let network = Network::with(echo);
    let pool = network.pool();
    let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
    drop(pool);
    moment().await;
    assert!(works(&mut tunnel).await);
    drop(tunnel);
    moment().await;
    assert_eq!(network.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_place_is_free_when_both_halves_are_over_though_the_tunnel_is_kept() {
    let network = Network::with(echo);
    let pool = network.pool();
    let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
    tokio::io::AsyncWriteExt::shutdown(&mut tunnel)
        .await
        .expect("our end");
    assert_eq!(pool.stats().streams, 1);
    assert_eq!(tunnel.read_chunk().await, Ok(None));
    assert_eq!(pool.stats().streams, 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_certificate_is_a_new_connection_and_the_old_one_ends_with_its_last_tunnel() {
    let shown = || workload(CLIENT).credentials();
    let rotating = Rotating::new(provider(), shown(), mesh_bundle()).expect("a source");
    let tls = ClientTls::from_source(provider(), rotating.clone()).expect("a configuration");
    let network = Network::with(echo);
    let pool = Pool::new(network.of(Connector::new(tls)));
    let mut before = pool.connect(&route()).await.expect("a tunnel");
    rotating.replace_credentials(shown()).expect("good ones");
    let _after = pool.connect(&route()).await.expect("a tunnel");
    assert_eq!(network.dials(), 2);
    assert!(works(&mut before).await);
    assert_eq!((pool.stats().open, pool.stats().draining), (1, 1));
    drop(before);
    moment().await;
    assert_eq!((network.open(), pool.stats().draining), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_of_each_thing_once() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let network = Network::with(echo);
    let config = PoolConfig::new().idle_timeout(Duration::from_secs(1));
    let observer = {
        let told = Arc::clone(&told);
        move |event: &Event| {
            if let Event::Pool(event) = event {
                told.lock().expect("no panic").push(event.clone());
            }
        }
    };
    let pool = Pool::builder(network.connector().with_observer(observer))
        .config(config)
        .build();
    drop(pool.connect(&route()).await.expect("a tunnel"));
    drop(pool.connect(&route()).await.expect("a tunnel"));
    sleep(Duration::from_secs(2)).await;
    let told = told.lock().expect("no panic");
    assert!(
        matches!(
            told[..],
            [
                PoolEvent::Dialling { level: 0, .. },
                PoolEvent::Connected { level: 0, .. },
                PoolEvent::StreamStarted { reused: false },
                PoolEvent::StreamEnded,
                PoolEvent::StreamStarted { reused: true },
                PoolEvent::StreamEnded,
                PoolEvent::Closed {
                    reason: CloseReason::Idle
                },
            ]
        ),
        "{told:?}"
    );
}

/// Asks the pool about itself whenever it is told something, which would never come back if anything were locked.
#[derive(Default)]
struct Curious {
    pool: OnceLock<Pool>,
    goaways: Mutex<Vec<Reason>>,
    told: AtomicUsize,
}

impl Observer for Curious {
    fn observe(&self, event: &Event) {
        if let Some(pool) = self.pool.get() {
            assert!(pool.stats().tasks < 100);
        }
        if let Event::GoAwayReceived { reason, .. } = event {
            self.goaways.lock().expect("no panic").push(*reason);
        }
        self.told.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_may_ask_the_pool_and_hears_of_a_goaway_on_a_connection_in_use() {
    let network = Network::with(|io, _| async move {
        let mut raw = script(io, &[]).await;
        let stream = raw.connect().await;
        raw.send([Frame::headers(stream, &OK)]).await;
        raw.send([Frame::go_away(stream, 0)]).await;
        raw.drain().await;
    });
    let curious = Arc::new(Curious::default());
    let connector = network.connector().with_observer(Arc::clone(&curious));
    let pool = Pool::new(connector);
    let _ = curious.pool.set(pool.clone());
    let tunnel = pool.connect(&route()).await.expect("a tunnel");
    moment().await;
    assert_eq!(
        *curious.goaways.lock().expect("no panic"),
        [Reason::NO_ERROR]
    );
    let transport = pool.stats().transport;
    assert_eq!((transport.goaways_received, transport.tunnels), (1, 1));
    drop(tunnel);
    moment().await;
    assert_eq!(pool.stats().transport.tunnels, 0);
    assert!(curious.told.load(Ordering::Relaxed) > 5);
}
