//! A pool that outlives the runtime that it was first used in.

use std::future::pending;
use std::time::Duration;

use hbone::DialCause;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::network::{Network, echo, route, works};

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

#[test]
fn a_pool_whose_runtime_has_ended_begins_anew_in_the_next() {
    let network = Network::with(echo);
    let pool = network.pool();
    for round in 1..=3 {
        let runtime = runtime();
        let tunnel = runtime.block_on(async {
            let mut tunnel = pool.connect(&route()).await.expect("a tunnel");
            assert!(works(&mut tunnel).await);
            let mut second = pool.connect(&route()).await.expect("a tunnel");
            assert!(works(&mut second).await);
            tunnel
        });
        assert_eq!(network.dials(), round, "two tunnels share a connection");
        drop(runtime);
        drop(tunnel);
        let stats = pool.stats();
        assert_eq!((stats.tasks, stats.open, stats.streams), (0, 0, 0));
    }
    runtime().block_on(pool.drain());
}

#[test]
fn a_dial_that_its_runtime_takes_along_is_made_again_in_the_next() {
    // The first peer says nothing.
    let network = Network::with(|io, number| async move {
        match number {
            0 => pending().await,
            _ => echo(io, number).await,
        }
    });
    let pool = network.pool();
    let first = runtime();
    first.block_on(async {
        let dialling = pool.clone();
        tokio::spawn(async move { dialling.connect(&route()).await.map(drop) });
        while network.dials() == 0 {
            yield_now().await;
        }
    });
    drop(first);
    assert_eq!((pool.stats().tasks, pool.stats().waiting), (0, 0));
    runtime().block_on(async {
        // It counts as a dial that failed, so that the destination rests for a moment.
        let mut tunnel = loop {
            match pool.connect(&route()).await {
                Ok(tunnel) => break tunnel,
                Err(error) => assert_eq!(error.cause, DialCause::Cancelled),
            }
            sleep(Duration::from_millis(10)).await;
        };
        assert!(works(&mut tunnel).await);
    });
}
