//! A peer that knows what costs most.

use std::future::pending;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::sleep;
use tokio_hbone::{CopyConfig, Http2Config, Tunnel, copy_bidirectional};

use crate::formula::{Load, state, unread, unsent};
use crate::held::held_after;
use crate::support::ends::{CONNECT, accept_next, acceptor, script_to_server_with};
use crate::support::frame::{Frame, INITIAL_WINDOW_SIZE, WINDOW_UPDATE};

/// The scripted peer, the pipes, and all else that is the test's.
const TEST: usize = 2 << 20;

const fn load(tunnels: usize) -> Load {
    Load {
        connections: 1,
        tunnels,
        copy_buffer: 0,
    }
}

async fn moment() {
    sleep(Duration::from_millis(1)).await;
}

/// A frame shares the memory that it was read into with its neighbours, which may be gone long before it.
async fn sandwiched(http2: Http2Config, small: usize) -> impl Sized {
    let (mut raw, mut incoming) = script_to_server_with(acceptor().with_http2(http2), &[]).await;
    raw.send([1, 3, 5].map(|stream| Frame::headers(stream, &CONNECT)))
        .await;
    let mut read = accept_next(&mut incoming).await;
    let unread = [
        accept_next(&mut incoming).await,
        accept_next(&mut incoming).await,
    ];
    // The windows count from the acknowledgement on.
    raw.until_quiet().await;
    tokio::spawn(async move { while let Ok(Some(_)) = read.read_chunk().await {} });
    let filling = vec![0; 7600];
    // All but a quarter of the window of the connection.
    let rounds = 3 * (http2.connection_window as usize / 4) / small;
    for round in 0..rounds {
        let stream = if round % 2 == 0 { 3 } else { 5 };
        let kept = Frame::data(stream, vec![1; small]);
        raw.send([kept, Frame::data(1, filling.clone())]).await;
        moment().await;
    }
    let frames = raw.until_quiet().await;
    let given_back = |frame: &Frame| frame.kind == WINDOW_UPDATE && frame.stream > 1;
    assert!(!frames.iter().any(given_back), "room for more is given");
    (raw, incoming, unread)
}

#[test]
fn small_frames_between_large_ones_that_are_read() {
    let mut http2 = Http2Config::server();
    http2.connection_window = 4 << 20;
    http2.frame_size = 16 << 10;
    let allowed = unread(&http2, load(3)) + state(&http2, load(3)) + TEST;
    for small in [300, 2000] {
        let held = held_after(sandwiched(http2, small));
        assert!(held <= allowed, "{held} bytes in frames of {small}");
    }
}

/// Our tunnels to a peer that opens its windows wide and never reads, each in the hands of `serve`.
async fn unheard(http2: Http2Config, tunnels: u32, serve: fn(Tunnel)) -> impl Sized {
    let wide = [(INITIAL_WINDOW_SIZE, (1 << 31) - 1)];
    let (mut raw, mut incoming) = script_to_server_with(acceptor().with_http2(http2), &wide).await;
    raw.send([Frame::window_update(0, (1 << 31) - 1 - 65_535)])
        .await;
    for stream in 0..tunnels {
        raw.send([Frame::headers(2 * stream + 1, &CONNECT)]).await;
        serve(accept_next(&mut incoming).await);
    }
    sleep(Duration::from_secs(5)).await;
    (raw, incoming)
}

#[test]
fn a_peer_with_wide_windows_that_does_not_read() {
    let http2 = Http2Config::server();
    let held = held_after(unheard(http2, 50, |mut tunnel| {
        tokio::spawn(async move {
            // Ten times what a tunnel may hold.
            for _ in 0..500 {
                tunnel.write_all(&[0x5a; 8 << 10]).await.expect("a peer");
            }
            pending::<()>().await;
        });
    }));
    let allowed = unsent(&http2, load(50)) + state(&http2, load(50)) + TEST;
    assert!(held <= allowed, "{held} bytes of {allowed}");
}

#[test]
fn an_application_that_writes_in_bursts_to_such_a_peer() {
    let http2 = Http2Config::server();
    let copied = Load {
        copy_buffer: CopyConfig::default().buffer,
        ..load(10)
    };
    let held = held_after(unheard(http2, 10, |mut tunnel| {
        let (mut socket, mut application) = duplex(64 << 10);
        tokio::spawn(async move { copy_bidirectional(&mut tunnel, &mut socket).await });
        tokio::spawn(async move {
            // Each is a read of its own, and a frame.
            for _ in 0..1000 {
                application.write_all(&[0x5a; 5000]).await.expect("a peer");
                moment().await;
            }
            pending::<()>().await;
        });
    }));
    let pipes = 10 * (128 << 10);
    let allowed = unsent(&http2, copied) + state(&http2, copied) + TEST + pipes;
    assert!(held <= allowed, "{held} bytes of {allowed}");
}
