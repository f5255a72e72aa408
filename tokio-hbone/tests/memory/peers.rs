//! A peer that knows what costs most.

use std::future::pending;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::sleep;
use tokio_hbone::{CopyConfig, Http2Config, Tunnel, copy_bidirectional};

use crate::formula::{Load, state, unread, unsent};
use crate::held::{held_after, most_during};
use crate::support::ends::{CONNECT, accept_next, acceptor, script_to_server_with};
use crate::support::frame::{
    END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, RST_STREAM, WINDOW_UPDATE,
};

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

/// What it takes at most that a peer sends so many frames to a tunnel that we have dropped, of which none can be of use to anybody, beside
/// one that echoes to a peer which gives it no room: its windows are full.
fn for_nobody(http2: Http2Config, frames: usize) -> usize {
    most_during(async move {
        let acceptor = acceptor().with_http2(http2);
        let (mut raw, mut incoming) = script_to_server_with(acceptor, &[]).await;
        raw.send([1, 3].map(|stream| Frame::headers(stream, &CONNECT)))
            .await;
        drop(accept_next(&mut incoming).await);
        let mut echoing = accept_next(&mut incoming).await;
        // The windows count from the acknowledgement on.
        raw.until_quiet().await;
        tokio::spawn(async move {
            while let Ok(Some(chunk)) = echoing.read_chunk().await {
                echoing.write_chunk(chunk).await?;
            }
            Ok::<_, std::io::Error>(())
        });
        let long = vec![b'x'; FRAME];
        for _ in 0..http2.stream_window as usize / FRAME {
            raw.send([Frame::data(3, long.clone())]).await;
            moment().await;
        }
        for _ in 0..frames {
            raw.send([Frame::data(1, long.clone())]).await;
            moment().await;
        }
        drop(incoming);
    })
}

/// What a DATA frame of [`for_nobody`] carries.
const FRAME: usize = 16 << 10;

#[test]
fn frames_that_nobody_wants_take_no_more_memory_if_there_are_ten_times_as_many() {
    let mut http2 = Http2Config::server();
    http2.stream_window = 256 << 10;
    http2.connection_window = 512 << 10;
    let (some, many) = (for_nobody(http2, 50), for_nobody(http2, 500));
    let allowed = unread(&http2, load(2)) + unsent(&http2, load(2)) + state(&http2, load(2)) + TEST;
    assert!(many <= allowed, "{many} bytes of {allowed}");
    assert!(many <= some + (64 << 10), "{some} bytes, and then {many}");
}

/// Tunnels that nobody reads, behind whose bytes there are these trailers.
async fn trailing(http2: Http2Config, tunnels: u32, trailers: fn(u32) -> Vec<Frame>) -> impl Sized {
    let (mut raw, mut incoming) = script_to_server_with(acceptor().with_http2(http2), &[]).await;
    let mut unread = Vec::new();
    for stream in (1..).step_by(2).take(tunnels as usize) {
        raw.send([Frame::headers(stream, &CONNECT)]).await;
        unread.push(accept_next(&mut incoming).await);
        raw.send([Frame::data(stream, "bytes")]).await;
        raw.send(trailers(stream)).await;
        moment().await;
    }
    let frames = raw.until_quiet().await;
    let refused = |frame: &Frame| matches!(frame.kind, RST_STREAM | GOAWAY);
    assert!(
        !frames.iter().any(refused),
        "trailers of that size are let in"
    );
    for tunnel in &mut unread {
        let chunk = tunnel.read_chunk().await.expect("bytes");
        assert_eq!(chunk.as_deref(), Some(&b"bytes"[..]));
        tunnel.read_chunk().await.expect_err("trailers");
    }
    (raw, incoming, unread)
}

/// As many fields as are let in, each with a name of its own.
fn of_many_names(stream: u32) -> Vec<Frame> {
    let names: Vec<_> = (0..1_800).map(|at| format!("{at:x}")).collect();
    let fields: Vec<_> = names.iter().map(|name| (&name[..], "")).collect();
    let mut frames = Frame::headers_in_parts(stream, &fields);
    frames[0].flags |= END_STREAM;
    frames
}

/// The same field as often as it is let in, of which each but the first comes in one byte.
fn of_one_name(stream: u32) -> Vec<Frame> {
    // A literal that goes into the table, and what is last in there (RFC 7541 sections 6.2.1 and 6.1).
    let mut block = b"\x40\x01x\x00".to_vec();
    block.resize(1_900, 0x80 | 62);
    vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, stream, block)]
}

#[test]
fn trailers_of_tunnels_that_nobody_reads() {
    let http2 = Http2Config::server();
    for trailers in [of_many_names, of_one_name] {
        let most = most_during(trailing(http2, 200, trailers));
        let allowed = state(&http2, load(0)) + 200 * (8 << 10) + TEST;
        assert!(most <= allowed, "{most} bytes of {allowed}");
    }
}
