//! A server on a runtime of several threads, where everything happens beside everything.

use std::future::Future;
use std::sync::Arc;
use std::sync::Barrier;
use std::time::Duration;

use hbone::{Cut, Reason, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_hbone::{ConnectionConfig, ServerConfig, ServerCounts, ServerHandle, Tunnel};

use crate::accepting::{Running, good_tunnel, run};
use crate::pipes::Door;
use crate::support::ends::{acceptor, connector, identity, route, tunnel_error};
use crate::support::pki::CLIENT;

/// Waits in real time, since the clock of several threads cannot be stopped.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    let done = timeout(Duration::from_secs(60), work).await;
    done.expect("nothing happens any more")
}

/// Each has the blow at another moment.
const ROUNDS: u64 = 4;

type Blow = fn(&ServerHandle);

/// What is done to a server in the midst of its use, each by a thread of its own.
const BLOWS: [&[Blow]; 5] = [
    &[ServerHandle::drain],
    &[ServerHandle::drain, ServerHandle::drain],
    &[ServerHandle::drain, |handle| handle.cut_all(Cut::Revoked)],
    &[
        |handle| handle.cut_peer(&identity(CLIENT), Cut::Revoked),
        ServerHandle::drain,
        ServerHandle::drain,
    ],
    &[
        |handle| handle.cut_all(Cut::Internal),
        |handle| handle.cut_all(Cut::Revoked),
        ServerHandle::drain,
    ],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_ended_in_the_midst_of_its_use_leaves_nothing() {
    for round in 0..ROUNDS {
        for blows in BLOWS {
            let running = run(acceptor(), ServerConfig::default());
            let mut users = JoinSet::new();
            for user in 0..16 {
                users.spawn(use_it(running.door.clone(), user + round));
            }
            sleep(Duration::from_millis(3 * round)).await;
            let together = Arc::new(Barrier::new(blows.len()));
            for blow in blows {
                let (handle, together) = (running.handle.clone(), Arc::clone(&together));
                tokio::task::spawn_blocking(move || {
                    together.wait();
                    blow(&handle);
                });
            }
            soon(running.task).await.expect("no panic");
            assert_eq!(running.handle.counts(), ServerCounts::default());
            while let Some(ended) = soon(users.join_next()).await {
                ended.expect("no panic");
            }
            let held = running.handle.stats();
            assert_eq!(
                (held.connections, held.tunnels, held.handshaking),
                (0, 0, 0)
            );
        }
    }
}

async fn use_it(door: Door, user: u64) {
    let route = route();
    for _ in 0..3 {
        let connector = connector();
        let connecting = connector.connect_over(door.knock(), &route);
        let Ok(Ok(mut tunnel)) = timeout(Duration::from_secs(20), connecting).await else {
            return;
        };
        let _ = tunnel.write_all(b"word").await;
        if user.is_multiple_of(2) {
            let _ = tunnel.read_exact(&mut [0; 4]).await;
            let _ = tunnel.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn halves_that_are_dropped_at_once_on_two_threads_reset_the_tunnel_once() {
    let running = run(acceptor(), ServerConfig::default());
    for round in 0..TUNNELS {
        let mut tunnel = good_tunnel(&running).await;
        tunnel.write_all(b"word").await.expect("room");
        soon(tunnel.read_exact(&mut [0; 4])).await.expect("an echo");
        drop_both(tunnel, round).await;
    }
    ends(&running).await;
    let stats = running.handle.stats();
    assert_eq!(stats.tunnels_opened, TUNNELS);
}

/// How many are dropped, each at another moment.
const TUNNELS: u64 = 60;

/// Drops the halves, or what is being done with them, at the same time.
async fn drop_both(tunnel: Tunnel, round: u64) {
    let (mut reader, mut writer) = tunnel.into_split();
    if round.is_multiple_of(3) {
        writer.shutdown().await.expect("an end");
    }
    if round % 3 == 1 {
        // Both are in the middle of something.
        let reading = tokio::spawn(async move { reader.read_chunk().await.map(drop) });
        let writing = tokio::spawn(async move { writer.write_all(&[7; 6 << 20]).await });
        sleep(Duration::from_micros(50 * (round % 40))).await;
        let together = Arc::new(Barrier::new(2));
        for handle in [reading.abort_handle(), writing.abort_handle()] {
            let together = Arc::clone(&together);
            std::thread::spawn(move || {
                together.wait();
                handle.abort();
            });
        }
        // They may have come to their end before that.
        let _ = (soon(reading).await, soon(writing).await);
        return;
    }
    let together = Arc::new(Barrier::new(2));
    let other = Arc::clone(&together);
    let one = std::thread::spawn(move || {
        together.wait();
        drop(reader);
    });
    let two = std::thread::spawn(move || {
        other.wait();
        drop(writer);
    });
    one.join().expect("no panic");
    two.join().expect("no panic");
}

async fn ends(running: &Running) {
    soon(async {
        while running.handle.counts() != ServerCounts::default() {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_whose_threads_stood_still_past_its_drain_deadline_still_says_that_it_cuts() {
    for _ in 0..ROUNDS {
        let mut config = ConnectionConfig::default();
        config.drain.deadline = Duration::from_millis(200);
        let running = run(acceptor().with_connection(config), ServerConfig::default());
        let mut tunnels = Vec::new();
        for _ in 0..20 {
            tunnels.push(good_tunnel(&running).await);
        }
        running.handle.drain();
        sleep(Duration::from_millis(50)).await;
        let still =
            (0..4).map(|_| tokio::spawn(async { std::thread::sleep(Duration::from_millis(600)) }));
        for still in still.collect::<Vec<_>>() {
            still.await.expect("no panic");
        }
        for mut tunnel in tunnels {
            let read = soon(tunnel.read_to_end(&mut Vec::new())).await;
            let error = read.expect_err("it is cut");
            let cut = TunnelError::Reset(Reason::CONNECT_ERROR);
            assert_eq!(tunnel_error(&error), cut);
        }
        soon(running.task).await.expect("no panic");
    }
}
