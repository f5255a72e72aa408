//! Double HBONE: one pooled connection to the gateway, several inside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hbone::pool::Spread;
use hbone::{Accept, DialCause, DialError, DrainConfig, DrainEnd, Route};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_hbone::{Acceptor, Pool};

use crate::network::{Network, PLACE, give_back, moment, works};
use crate::support::ends::{acceptor, hop, server_tls};
use crate::support::io::BoxIo;
use crate::support::pki::{GATEWAY, SERVER, mesh_bundle, workload};

const SERVERS: usize = 3;

/// Three servers behind a gateway that gives each outer tunnel to the next one.
pub(crate) struct Behind {
    pub(crate) network: Network,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    outer: AtomicUsize,
    served: [AtomicUsize; SERVERS],
}

impl Behind {
    pub(crate) fn new() -> Self {
        let seen = Arc::new(Seen::default());
        let network = Network::with({
            let seen = Arc::clone(&seen);
            move |io, _| gateway(io, Arc::clone(&seen))
        });
        Self { network, seen }
    }

    /// How many outer tunnels there were.
    fn outer(&self) -> usize {
        self.seen.outer.load(Ordering::Relaxed)
    }

    /// How many inner tunnels each server had.
    fn served(&self) -> [usize; SERVERS] {
        std::array::from_fn(|server| self.seen.served[server].load(Ordering::Relaxed))
    }
}

async fn gateway(io: BoxIo, seen: Arc<Seen>) {
    let acceptor = Acceptor::new(server_tls(&workload(GATEWAY), mesh_bundle()));
    let Ok(mut connection) = acceptor.accept(io).await else {
        return;
    };
    while let Some(incoming) = connection.next().await {
        if let Ok(tunnel) = incoming.accept(&Accept::default()) {
            let server = seen.outer.fetch_add(1, Ordering::Relaxed) % SERVERS;
            tokio::spawn(serve(Box::new(tunnel), server, Arc::clone(&seen)));
        }
    }
}

/// The same gateway, which drains a connection when it is told to, and says how that ended.
async fn draining_gateway(
    io: BoxIo,
    seen: Arc<Seen>,
    drain: Arc<Notify>,
    ended: mpsc::UnboundedSender<DrainEnd>,
) {
    let acceptor = Acceptor::new(server_tls(&workload(GATEWAY), mesh_bundle()));
    let Ok(mut connection) = acceptor.accept(io).await else {
        return;
    };
    loop {
        let incoming = tokio::select! {
            incoming = connection.next() => incoming,
            () = drain.notified() => {
                connection.drain();
                continue;
            }
        };
        let Some(incoming) = incoming else { break };
        if let Ok(tunnel) = incoming.accept(&Accept::default()) {
            let server = seen.outer.fetch_add(1, Ordering::Relaxed) % SERVERS;
            tokio::spawn(serve(Box::new(tunnel), server, Arc::clone(&seen)));
        }
    }
    let end = connection.drain_end().unwrap_or(DrainEnd::Lost);
    let _ = ended.send(end);
}

async fn serve(io: BoxIo, server: usize, seen: Arc<Seen>) {
    let Ok(mut connection) = acceptor().accept(io).await else {
        return;
    };
    while let Some(incoming) = connection.next().await {
        if let Ok(tunnel) = incoming.accept(&Accept::default()) {
            seen.served[server].fetch_add(1, Ordering::Relaxed);
            tokio::spawn(give_back(tunnel));
        }
    }
}

/// Through the gateway to one of the servers.
pub(crate) fn double_route() -> Route {
    Route::new(
        PLACE.parse().expect("an address"),
        hop("server.default:80", GATEWAY),
    )
    .through(hop("server.default:80", SERVER))
}

/// This many short tunnels, 16 at a time.
async fn traffic(pool: &Pool, tunnels: usize) {
    let mut users = JoinSet::new();
    for _ in 0..tunnels {
        if users.len() >= 16 {
            users.join_next().await.expect("one").expect("no panic");
        }
        let pool = pool.clone();
        users.spawn(async move {
            let mut tunnel = pool.connect(&double_route()).await.expect("a tunnel");
            assert!(works(&mut tunnel).await);
            assert_eq!(tunnel.peer().to_string(), SERVER);
            let peers: Vec<_> = tunnel
                .answers()
                .iter()
                .map(|hop| hop.peer.to_string())
                .collect();
            assert_eq!(peers, [GATEWAY, SERVER]);
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
    }
    users.join_all().await;
}

/// HBONE-D-008.
#[tokio::test(start_paused = true)]
async fn inner_connections_are_shared_and_spread_over_what_is_behind_the_gateway() {
    let behind = Behind::new();
    let spread = Spread::by_weight(12).requests(10.try_into().expect("not zero"));
    let pool = Pool::builder(behind.network.connector())
        .spread(spread)
        .build();
    traffic(&pool, 300).await;
    for (server, served) in behind.served().into_iter().enumerate() {
        let share = served * 100 / 300;
        assert!((25..=42).contains(&share), "server {server} had {share} %");
    }
    let handshakes = pool.stats().handshakes;
    assert!(behind.network.dials() <= 2, "one gateway");
    assert!(handshakes < 60, "{handshakes} handshakes for 300 tunnels");
    assert!(behind.outer() >= 6, "{} outer tunnels", behind.outer());

    pool.drain().await;
    moment().await;
    assert_eq!((pool.stats().tasks, behind.network.open()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_gone_takes_the_inner_connections_with_it_and_is_dialled_again() {
    // [119]
    let behind = Behind::new();
    let gone = Arc::new(Notify::new());
    let seen = Arc::clone(&behind.seen);
    let network = Network::with({
        let gone = Arc::clone(&gone);
        move |io, _| {
            let (gone, seen) = (Arc::clone(&gone), Arc::clone(&seen));
            async move {
                let gateway = gateway(io, seen);
                let gone = gone.notified();
                tokio::select! { () = gateway => {}, () = gone => {} }
            }
        }
    });
    let pool = network.pool();
    let mut tunnel = pool.connect(&double_route()).await.expect("a tunnel");
    assert!(works(&mut tunnel).await);
    gone.notify_waiters();
    assert!(tunnel.read_chunk().await.is_err(), "no end of file");
    drop(tunnel);
    moment().await;
    let stats = pool.stats();
    assert_eq!(
        (stats.open, stats.streams, stats.tasks),
        (0, 0, 0),
        "{stats:?}"
    );
    let mut tunnel = pool.connect(&double_route()).await.expect("a tunnel");
    assert!(works(&mut tunnel).await);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_drains_is_free_as_soon_as_the_tunnels_through_it_have_ended() {
    let (seen, drain) = (Arc::new(Seen::default()), Arc::new(Notify::new()));
    let (ended, mut ends) = mpsc::unbounded_channel();
    let network = Network::with({
        let drain = Arc::clone(&drain);
        move |io, _| draining_gateway(io, Arc::clone(&seen), Arc::clone(&drain), ended.clone())
    });
    let spread = Spread::by_weight(4).requests(4.try_into().expect("not zero"));
    let pool = Pool::builder(network.connector()).spread(spread).build();
    // Several connections inside, of which one is in use.
    traffic(&pool, 30).await;
    let mut tunnel = pool.connect(&double_route()).await.expect("a tunnel");
    moment().await;
    let before = pool.stats();
    assert!(before.open > 2 && network.dials() == 1, "{before:?}");

    let start = Instant::now();
    drain.notify_one();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stats = pool.stats();
    assert_eq!(
        (stats.open, stats.draining, stats.streams),
        (0, 2, 2),
        "what carries the tunnel, and nothing else: {stats:?}"
    );
    assert!(works(&mut tunnel).await, "it goes on");
    // The end of file comes through, which a connection that is cut would not let it.
    tunnel.shutdown().await.expect("our end");
    assert_eq!(tunnel.read_chunk().await, Ok(None));
    drop(tunnel);
    assert_eq!(ends.recv().await, Some(DrainEnd::Clean));
    let took = start.elapsed();
    assert!(took < DrainConfig::default().deadline / 2, "{took:?}");
    moment().await;
    let stats = pool.stats();
    assert_eq!(stats.tasks, 0, "{stats:?}");
    let (was, is) = (before.transport, stats.transport);
    assert_eq!(is.tunnels_broken, was.tunnels_broken, "{stats:?}");
    assert_eq!(is.connections_lost, 0, "{stats:?}");

    let mut tunnel = pool.connect(&double_route()).await.expect("a tunnel");
    assert!(works(&mut tunnel).await);
    assert_eq!(network.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_the_gateway_is_named_as_such_to_all_who_wait() {
    let network = Network::default();
    let pool = network.pool();
    let (one, other) = (double_route(), double_route());
    let (one, other) = tokio::join!(pool.connect(&one), pool.connect(&other));
    for outcome in [one, other] {
        let DialError {
            level, hops, cause, ..
        } = outcome.expect_err("nobody is there");
        assert_eq!((level, hops), (0, 2));
        assert!(matches!(cause, DialCause::Establish(_)), "{cause:?}");
    }
    assert_eq!(
        pool.stats().dials,
        2,
        "one for the server, one for the gateway"
    );
}
