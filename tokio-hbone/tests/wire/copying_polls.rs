//! How often the task that copies is woken.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_hbone::{Tunnel, copy_bidirectional};

use crate::support::ends::tunnel_pair;
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn a_message_each_way_wakes_it_twice() {
    const TRIPS: usize = 100;
    let (client, server) = tunnel_pair().await;
    let (mut near, client_polls) = counted(client);
    let (mut far, server_polls) = counted(server);
    let mut trip = async || {
        near.write_all(b"?").await.expect("room");
        far.read_exact(&mut [0]).await.expect("a byte");
        far.write_all(b"!").await.expect("room");
        near.read_exact(&mut [0]).await.expect("a byte");
    };
    soon(trip()).await;
    let before = [&client_polls, &server_polls].map(|polls| polls.load(Ordering::Relaxed));
    for _ in 0..TRIPS {
        soon(trip()).await;
    }
    let polls = [&client_polls, &server_polls].map(|polls| polls.load(Ordering::Relaxed));
    for (polls, before) in polls.iter().zip(before) {
        assert_eq!(polls - before, 2 * TRIPS);
    }
}

/// A tunnel tied to a socket, of which this is the other end, by a task that counts how often it is polled.
fn counted(mut tunnel: Tunnel) -> (DuplexStream, Arc<AtomicUsize>) {
    let (outer, mut inner) = duplex(1024);
    let polls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&polls);
    tokio::spawn(async move {
        let mut copy = pin!(copy_bidirectional(&mut tunnel, &mut inner));
        poll_fn(|cx| {
            counter.fetch_add(1, Ordering::Relaxed);
            copy.as_mut().poll(cx)
        })
        .await
    });
    (outer, polls)
}
