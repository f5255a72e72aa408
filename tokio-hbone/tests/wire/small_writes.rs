//! Small writes: few frames where many come at once, no delay where one comes alone, and never a byte out of place.

use std::io::IoSlice;
use std::time::Duration;

use bytes::Bytes;
use hbone::Reason;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_hbone::{Connector, Http2Config, Tunnel};

use crate::support::ends::{
    connector, read_all, script_to_tunnel, tunnel_error, tunnel_pair, tunnel_to_script,
    tunnel_to_script_with,
};
use crate::support::frame::{DATA, END_STREAM, Frame, INITIAL_WINDOW_SIZE, RST_STREAM};
use crate::support::noise::Noise;
use crate::support::raw::Raw;
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn a_thousand_writes_of_a_byte_in_one_burst_are_few_frames_from_a_client() {
    let (tunnel, mut raw, stream) = tunnel_to_script().await;
    burst(tunnel, &mut raw, stream).await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_writes_of_a_byte_in_one_burst_are_few_frames_from_a_server() {
    let (mut raw, tunnel) = script_to_tunnel().await;
    burst(tunnel, &mut raw, 1).await;
}

async fn burst(mut tunnel: Tunnel, raw: &mut Raw, stream: u32) {
    for at in 0..1000 {
        tunnel.write_all(&[at as u8]).await.expect("a tunnel");
        // A flush hurries nothing: what is held leaves when the way is free.
        tunnel.flush().await.expect("a tunnel");
    }
    let frames = data(&raw.until_quiet().await, stream);
    let bytes: Vec<u8> = (0..1000).map(|at| at as u8).collect();
    assert_eq!(frames.concat(), bytes);
    assert!(frames.len() <= 4, "{} frames", frames.len());
    // The first left without waiting for the others.
    assert_eq!(frames[0].len(), 1);

    // The burst is over, and a lone write is alone again.
    let began = tokio::time::Instant::now();
    for word in [&b"lone"[..], b"and", b"lone again"] {
        tunnel.write_all(word).await.expect("a tunnel");
        assert_eq!(raw.expect(DATA).await.payload, word);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn chunks_and_slices_are_put_together_too() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let mut expected = Vec::new();
    for _ in 0..300 {
        tunnel
            .write_chunk(Bytes::from_static(b"chunk"))
            .await
            .expect("a tunnel");
        let slices = [
            IoSlice::new(b"in"),
            IoSlice::new(b""),
            IoSlice::new(b"slices"),
        ];
        assert_eq!(tunnel.write_vectored(&slices).await.expect("a tunnel"), 8);
        expected.extend_from_slice(b"chunkinslices");
    }
    let frames = data(&raw.until_quiet().await, stream);
    assert_eq!(frames.concat(), expected);
    assert!(frames.len() <= 4, "{} frames", frames.len());
}

#[tokio::test(start_paused = true)]
async fn a_write_of_several_slices_is_one_frame() {
    let (mut tunnel, mut raw, _) = tunnel_to_script().await;
    assert!(tunnel.is_write_vectored());
    let slices = [IoSlice::new(b"one "), IoSlice::new(b"frame")];
    assert_eq!(tunnel.write_vectored(&slices).await.expect("a tunnel"), 9);
    assert_eq!(raw.expect(DATA).await.payload, &b"one frame"[..]);
}

#[tokio::test(start_paused = true)]
async fn a_write_of_four_gibibytes_begins_like_any_other() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let part = vec![7; 1 << 20];
    let slices = [IoSlice::new(&part); 4096];
    let some = soon(tunnel.write_vectored(&slices)).await.expect("a peer");
    assert_eq!(some, 65_535);
    let frames = data(&raw.until_quiet().await, stream);
    assert_eq!(frames.concat(), part[..65_535]);
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_may_queue_nothing_queues_a_byte() {
    let mut http2 = Http2Config::client();
    http2.send_buffer = 0;
    let (mut tunnel, mut raw, stream) =
        tunnel_to_script_with(connector().with_http2(http2), &[]).await;
    soon(tunnel.write_all(b"on")).await.expect("a peer");
    let frames = data(&raw.until_quiet().await, stream);
    assert_eq!(frames.concat(), b"on"[..]);
}

#[tokio::test(start_paused = true)]
async fn large_chunks_keep_their_place_among_small_ones() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let mut expected = Vec::new();
    for at in 0..8_u8 {
        for word in [vec![at; 3], vec![at; 5000], vec![at; 1]] {
            expected.extend_from_slice(&word);
            if at % 2 == 0 {
                tunnel.write_chunk(word.into()).await.expect("a tunnel");
            } else {
                tunnel.write_all(&word).await.expect("a tunnel");
            }
        }
    }
    assert_eq!(data(&raw.until_quiet().await, stream).concat(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_leaves_with_the_end_of_the_stream() {
    // [124]
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    for _ in 0..100 {
        tunnel.write_all(b"x").await.expect("a tunnel");
    }
    tunnel.shutdown().await.expect("a tunnel");
    tunnel.shutdown().await.expect("nothing more to do");
    drop(tunnel);
    let frames = raw.until_quiet().await;
    assert_eq!(data(&frames, stream).concat(), [b'x'; 100]);
    let ends: Vec<_> = frames
        .iter()
        .filter(|frame| frame.has(END_STREAM))
        .collect();
    assert_eq!(ends.len(), 1, "{frames:?}");
    assert_eq!(
        ends[0].payload.len(),
        99,
        "an END_STREAM of its own is not needed"
    );
    assert_eq!(ends[0].kind, DATA);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_dies_with_a_tunnel_that_is_dropped_or_reset() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    for _ in 0..100 {
        tunnel.write_all(b"x").await.expect("a tunnel");
    }
    drop(tunnel);
    let frames = raw.until_quiet().await;
    let reset = |frame: &Frame| (frame.kind, frame.stream) == (RST_STREAM, stream);
    assert!(frames.iter().any(reset), "{frames:?}");

    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send([Frame::reset(stream, Reason::CONNECT_ERROR.to_wire())])
        .await;
    for _ in 0..100 {
        tunnel
            .write_all(b"x")
            .await
            .expect("nobody has told us yet");
    }
    let frames = raw.until_quiet().await;
    assert!(data(&frames, stream).len() <= 2, "{frames:?}");
    let error = soon(tunnel.write_all(b"x")).await.expect_err("a reset");
    let reset = hbone::TunnelError::Reset(Reason::CONNECT_ERROR);
    assert_eq!(tunnel_error(&error), reset);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_waits_for_a_connection_that_nobody_reads_and_stays_in_bounds() {
    let (mut tunnel, mut raw, stream) =
        tunnel_to_script_with(connector(), &[(INITIAL_WINDOW_SIZE, 4 << 20)]).await;
    raw.send([Frame::window_update(0, 4 << 20)]).await;
    let mut noise = Noise::new(9);
    let mut written = Vec::new();
    // Nobody reads the pipe: it takes 64 KiB, TLS 576, and h2 no more than its buffer for a tunnel.
    loop {
        let mut word = vec![0; 1 + noise.below(40)];
        noise.fill(&mut word);
        let writing = tokio::time::timeout(Duration::from_secs(1), tunnel.write_all(&word));
        match writing.await {
            Ok(done) => done.expect("a tunnel"),
            Err(_) => break,
        }
        written.extend_from_slice(&word);
    }
    assert!(
        written.len() <= (64 + 576 + 400 + 64) << 10,
        "{}",
        written.len()
    );
    assert!(written.len() >= 400 << 10, "{}", written.len());
    let frames = data(&raw.until_quiet().await, stream);
    let got = frames.concat();
    // The write that was given up may have left a part.
    assert!(got.starts_with(&written) && got.len() < written.len() + 41);
    assert!(frames.len() < 100, "{} frames", frames.len());
}

#[tokio::test(start_paused = true)]
async fn a_window_of_one_byte_gets_each_byte_once() {
    // [52]
    let (mut tunnel, mut raw, stream) =
        tunnel_to_script_with(connector(), &[(INITIAL_WINDOW_SIZE, 1)]).await;
    let writing = tokio::spawn(async move {
        for at in 0..50_u8 {
            tunnel.write_all(&[at]).await.expect("a tunnel");
        }
        tunnel.shutdown().await.expect("a tunnel");
        tunnel
    });
    let mut got = Vec::new();
    while got.len() < 50 {
        let frame = raw.expect(DATA).await;
        assert_eq!(frame.payload.len(), 1);
        got.extend_from_slice(&frame.payload);
        raw.send([Frame::window_update(stream, 1)]).await;
    }
    assert_eq!(got, (0..50).collect::<Vec<u8>>());
    drop(soon(writing).await);
}

#[tokio::test(start_paused = true)]
async fn bytes_are_exact_however_they_are_written_and_read() {
    let mut http2 = Http2Config::client();
    http2.send_buffer = 5000;
    let connector: Connector = connector().with_http2(http2);
    for seed in 0..30 {
        let window = [1, 100, 17_000, 65_535][seed as usize % 4];
        let (mut tunnel, mut raw, stream) =
            tunnel_to_script_with(connector.clone(), &[(INITIAL_WINDOW_SIZE, window)]).await;
        let writing = tokio::spawn(async move {
            let (mut noise, mut how) = (Noise::new(seed), Noise::new(seed + 100));
            let mut left = if window == 1 { 300 } else { 30_000 };
            while left > 0 {
                let most = [1, 8, 300, 40_000][how.below(4)];
                let mut word = vec![0; (1 + how.below(most)).min(left)];
                noise.fill(&mut word);
                left -= word.len();
                match how.below(5) {
                    0 => tunnel.write_chunk(word.into()).await.expect("a peer"),
                    1 => {
                        tunnel.write_all(&word).await.expect("a peer");
                        tunnel.flush().await.expect("a peer");
                    }
                    2 => {
                        tunnel.write_all(&word).await.expect("a peer");
                        tokio::task::yield_now().await;
                    }
                    _ => tunnel.write_all(&word).await.expect("a peer"),
                }
            }
            tunnel.shutdown().await.expect("a peer");
            tunnel
        });
        let got = raw.bytes_of(stream).await;
        let mut expected = vec![0; if window == 1 { 300 } else { 30_000 }];
        Noise::new(seed).fill(&mut expected);
        assert!(got == expected, "seed {seed}");
        drop(soon(writing).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_writes_from_another_thread_than_the_connection_s_all_arrive() {
    for _ in 0..20 {
        let (mut client, mut server) = tunnel_pair().await;
        let writing = tokio::spawn(async move {
            for at in 0..2000_u32 {
                client.write_all(&at.to_be_bytes()).await.expect("a peer");
            }
            client
        });
        // No end of the stream comes to push the last ones out.
        let mut word = [0; 4];
        for at in 0..2000_u32 {
            soon(server.read_exact(&mut word)).await.expect("a word");
            assert_eq!(u32::from_be_bytes(word), at);
        }
        let mut client = soon(writing).await.expect("no panic");
        client.shutdown().await.expect("a peer");
        assert_eq!(read_all(&mut server).await.expect("an end"), b"");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_given_up_keeps_the_window_from_nobody() {
    // The connection's window is used up by the first tunnel; a second write of it is given up.
    let (mut idle, mut busy, mut raw) = two_tunnels().await;
    idle.write_all(&[1; 65_535])
        .await
        .expect("the whole window");
    {
        let mut writing = std::pin::pin!(idle.write_chunk(Bytes::from(vec![1; 30_000])));
        assert!(
            tokio::time::timeout(Duration::from_secs(1), &mut writing)
                .await
                .is_err()
        );
    }
    let given_up = idle.write_all(&[1; 30_000]);
    assert!(
        tokio::time::timeout(Duration::from_secs(1), given_up)
            .await
            .is_err()
    );
    raw.until_quiet().await;
    raw.send([
        Frame::window_update(1, 1 << 20),
        Frame::window_update(0, 20_000),
    ])
    .await;
    raw.until_quiet().await;
    soon(busy.write_all(&[2; 19_999]))
        .await
        .expect("a window for it");
    let frames = raw.until_quiet().await;
    assert_eq!(data(&frames, 3).concat().len(), 19_999);
    // And who comes back goes on.
    raw.send([Frame::window_update(0, 20_000)]).await;
    soon(idle.write_all(&[3; 10_000]))
        .await
        .expect("a window for it");
    let frames = raw.until_quiet().await;
    assert_eq!(data(&frames, 1).concat().len(), 10_000);
}

async fn two_tunnels() -> (Tunnel, Tunnel, Raw) {
    use crate::support::ends::{CONNECT, accept_next, script_to_server};
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([1, 3].map(|stream| Frame::headers(stream, &CONNECT)))
        .await;
    let (one, other) = (
        accept_next(&mut incoming).await,
        accept_next(&mut incoming).await,
    );
    tokio::spawn(async move { while incoming.recv().await.is_some() {} });
    raw.until_quiet().await;
    (one, other, raw)
}

/// The payload of each DATA frame of a stream.
fn data(frames: &[Frame], stream: u32) -> Vec<Bytes> {
    frames
        .iter()
        .filter(|frame| frame.kind == DATA && frame.stream == stream)
        .map(|frame| frame.payload.clone())
        .collect()
}
