//! Everything at once, and the count at the end.

use std::time::Duration;

use hbone::{Accept, Reject};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio_hbone::{Incoming, Pool};

use crate::network::{Network, give_back, moment, route, works};
use crate::support::ends::acceptor;
use crate::support::io::BoxIo;

/// A server that answers CONNECTs in every way there is, in turn, and loses every third connection after a while.
async fn fickle(io: BoxIo, number: usize) {
    let Ok(mut connection) = acceptor().accept(io).await else {
        return;
    };
    let mut taken = 0;
    while let Some(incoming) = connection.next().await {
        taken += 1;
        if number % 3 == 2 && taken > 150 {
            return;
        }
        answer(incoming, taken);
    }
}

fn answer(incoming: Incoming, turn: usize) {
    match turn % 6 {
        0 => incoming.reject(&Reject::UpstreamFailed),
        1 => drop(incoming),
        2 => drop(incoming.accept(&Accept::default())),
        3 => drop(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            drop(incoming);
        })),
        _ => {
            if let Ok(tunnel) = incoming.accept(&Accept::default()) {
                tokio::spawn(give_back(tunnel));
            }
        }
    }
}

async fn use_one(pool: Pool, turn: usize) {
    let Ok(mut tunnel) = pool.connect(&route()).await else {
        return;
    };
    match turn % 5 {
        0 => {}
        1 => assert!(
            turn == usize::MAX,
            "a caller that panics with a tunnel in hand"
        ),
        2 => {
            let _ = tunnel.shutdown().await;
        }
        3 => {
            let _ = works(&mut tunnel).await;
            let _ = tunnel.shutdown().await;
            while let Ok(Some(_)) = tunnel.read_chunk().await {}
        }
        _ => {
            let _ = works(&mut tunnel).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_every_kind_of_end_no_stream_is_counted_and_the_pool_works() {
    // [106]
    std::panic::set_hook(Box::new(|_| {}));
    let network = Network::with(fickle);
    let pool = network.pool();
    let mut callers = JoinSet::new();
    let mut panics = 0;
    for turn in 0..10_000 {
        while callers.len() >= 64 {
            panics += usize::from(callers.join_next().await.is_some_and(|end| end.is_err()));
        }
        callers.spawn(use_one(pool.clone(), turn));
    }
    while let Some(end) = callers.join_next().await {
        panics += usize::from(end.is_err());
    }
    let _ = std::panic::take_hook();
    assert!(panics > 50, "some callers did panic: {panics}");
    let stats = pool.stats();
    assert_eq!((stats.streams, stats.waiting), (0, 0), "{stats:?}");
    assert!(stats.reused > 500, "{stats:?}");

    let mut works_again = 0;
    for _ in 0..12 {
        if let Ok(mut tunnel) = pool.connect(&route()).await {
            works_again += usize::from(works(&mut tunnel).await);
        }
    }
    assert!(works_again > 0);
    pool.drain().await;
    moment().await;
    assert_eq!((pool.stats().tasks, network.open()), (0, 0));
}
