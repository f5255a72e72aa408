//! The pool on a runtime of several threads, where everything happens beside everything.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hbone::pool::{PoolConfig, Spread};
use hbone::{DialError, Route};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_hbone::tls::{ClientTls, Rotating};
use tokio_hbone::{Connector, Pool};

use crate::double::{Behind, double_route};
use crate::network::{Network, echo, route, works};
use crate::support::pki::{CLIENT, mesh_bundle, workload};
use crate::support::script_tls::provider;

/// Waits in real time, since the clock of several threads cannot be stopped.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    let done = timeout(Duration::from_secs(60), work).await;
    done.expect("nothing happens any more")
}

/// What is done to a pool in the midst of its use.
type Blow = fn(&Pool);

const BLOWS: [(&str, Blow); 4] = [
    ("nothing", |_| {}),
    ("close", Pool::close),
    ("drain", |pool| {
        let pool = pool.clone();
        tokio::spawn(async move { pool.drain().await });
    }),
    ("drain and close", |pool| {
        let draining = pool.clone();
        tokio::spawn(async move { draining.drain().await });
        let closing = pool.clone();
        tokio::spawn(async move { closing.close() });
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pool_that_is_closed_or_drained_in_the_midst_of_its_use_leaves_nothing() {
    for round in 0..ROUNDS {
        for (what, blow) in BLOWS {
            let network = Network::with(echo);
            let pool = Pool::builder(network.connector()).config(small()).build();
            beat(what, blow, round, pool, &network, &route()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spread_pool_that_is_closed_or_drained_in_the_midst_of_its_use_leaves_nothing() {
    for round in 0..ROUNDS {
        for (what, blow) in BLOWS {
            let behind = Behind::new();
            let pool = Pool::builder(behind.network.connector())
                .config(small())
                .spread(Spread::by_weight(8))
                .build();
            beat(what, blow, round, pool, &behind.network, &double_route()).await;
        }
    }
}

/// Each has the blow at another moment.
const ROUNDS: u64 = 4;

/// Few streams a connection, so that there are several.
fn small() -> PoolConfig {
    PoolConfig::new().max_streams_per_connection(3)
}

/// Tunnels that are opened, used, dropped and given up by many tasks, and the blow among them.
async fn beat(what: &str, blow: Blow, round: u64, pool: Pool, network: &Network, route: &Route) {
    let mut users = JoinSet::new();
    for user in 0..24_u64 {
        let (pool, route) = (pool.clone(), route.clone());
        users.spawn(async move { use_it(user + round, &pool, &route).await });
    }
    sleep(Duration::from_millis(2 * round)).await;
    blow(&pool);
    // Some are dropped from outside, wherever they are.
    let mut given_up = JoinSet::new();
    for user in 0..8 {
        let (pool, route) = (pool.clone(), route.clone());
        let handle = given_up.spawn(async move { use_it(user, &pool, &route).await });
        sleep(Duration::from_micros(50 * user)).await;
        handle.abort();
    }
    // Whoever is not served, or not let go, never comes back.
    while soon(given_up.join_next()).await.is_some() {}
    let mut worked = 0;
    while let Some(ended) = soon(users.join_next()).await {
        worked += usize::from(ended.expect("no panic"));
    }
    if what == "nothing" {
        assert_eq!(worked, 24);
    }
    soon(pool.drain()).await;
    let stats = pool.stats();
    assert_eq!(
        (stats.streams, stats.tasks, stats.waiting, stats.dialling),
        (0, 0, 0, 0),
        "{what}: {stats:?}"
    );
    let held = stats.transport;
    assert_eq!(
        (
            held.connections,
            held.handshaking,
            held.connecting,
            held.tunnels
        ),
        (0, 0, 0, 0),
        "{what}: {held:?}"
    );
    soon(async {
        while network.open() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// One use; whether it worked as it should if nobody is in the way.
async fn use_it(user: u64, pool: &Pool, route: &Route) -> bool {
    let Ok(mut tunnel) = pool.connect(route).await else {
        return false;
    };
    match user % 4 {
        0 => true,
        1 => works(&mut tunnel).await,
        2 => {
            let (mut reader, mut writer) = tunnel.into_split();
            let one = tokio::spawn(async move {
                let _ = writer.write_chunk(bytes::Bytes::from_static(b"word")).await;
            });
            let other = tokio::spawn(async move { reader.read_chunk().await.is_ok() });
            one.await.is_ok() & other.await.is_ok()
        }
        _ => {
            let works = works(&mut tunnel).await;
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut tunnel).await;
            works
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_certificate_that_changes_among_many_connects_fails_none_of_them() {
    let source = Rotating::new(provider(), workload(CLIENT).credentials(), mesh_bundle());
    let source = source.expect("a source");
    let tls = ClientTls::from_source(provider(), source.clone()).expect("a client");
    let network = Network::with(echo);
    let pool = Pool::builder(network.of(Connector::new(tls)))
        .config(small())
        .build();
    let shown: Arc<[_]> = (0..4).map(|_| workload(CLIENT)).collect();
    for round in 0..ROUNDS {
        let mut users = JoinSet::new();
        for user in 0..32_u64 {
            let (pool, source, shown) = (pool.clone(), source.clone(), Arc::clone(&shown));
            users.spawn(async move {
                if user % 8 == round % 8 {
                    let new = shown[(user % 4) as usize].credentials();
                    source.replace_credentials(new).expect("good ones");
                }
                let mut tunnel = soon(pool.connect(&route())).await?;
                assert!(soon(works(&mut tunnel)).await);
                Ok::<_, DialError>(())
            });
        }
        while let Some(ended) = users.join_next().await {
            ended.expect("no panic").expect("a tunnel");
        }
    }
    soon(pool.drain()).await;
    let stats = pool.stats();
    assert_eq!((stats.dials_failed, stats.tasks), (0, 0), "{stats:?}");
}
