//! Tunnels that nobody reads, and those beside them.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::ends::{CONNECT, accept_next, read_all, script_to_server, tunnel_to_script};
use crate::support::frame::{DATA, Frame, GOAWAY};
use crate::support::soon;

/// What the window of a tunnel has room for is 4 MiB; a quarter of it is enough here.
const MILLION: usize = 1_000_000;

#[tokio::test(start_paused = true)]
async fn a_million_frames_of_a_byte_into_a_paused_tunnel_harm_no_other() {
    // [43]
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([1, 3].map(|stream| Frame::headers(stream, &CONNECT)))
        .await;
    let mut paused = accept_next(&mut incoming).await;
    let mut echo = accept_next(&mut incoming).await;
    raw.until_quiet().await;
    tokio::spawn(async move {
        let mut word = [0; 4];
        while echo.read_exact(&mut word).await.is_ok() {
            echo.write_all(&word).await.expect("a client");
        }
    });
    let batch = 10_000;
    for round in 0..MILLION / batch {
        let byte = [round as u8];
        raw.send((0..batch).map(|_| Frame::data(1, byte.to_vec())))
            .await;
        raw.send([Frame::data(3, &b"ping"[..])]).await;
        let answer = raw.expect(DATA).await;
        assert_eq!((answer.stream, &answer.payload[..]), (3, &b"ping"[..]));
    }
    raw.send([Frame::last_data(1, "end")]).await;
    let frames = raw.until_quiet().await;
    assert!(
        frames.iter().all(|frame| frame.kind != GOAWAY),
        "{frames:?}"
    );
    // Put together, a byte costs a byte: it comes out in few pieces.
    let (mut got, mut pieces) = (Vec::new(), 0);
    while let Some(piece) = soon(paused.read_chunk()).await.expect("every byte") {
        got.extend_from_slice(&piece);
        pieces += 1;
    }
    assert!(pieces < 10_000, "{pieces}");
    assert_eq!(got.len(), MILLION + 3);
    for (at, bytes) in got[..MILLION].chunks(batch).enumerate() {
        assert!(bytes.iter().all(|byte| *byte == at as u8), "batch {at}");
    }
    assert!(got.ends_with(b"end"));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_is_woken_by_what_comes_while_others_are_looked_after() {
    // [43], at a client; the reader goes away and comes back in between.
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let reading = tokio::spawn(async move {
        let all = read_all(&mut tunnel).await;
        (all, tunnel)
    });
    let frames = 60_000;
    for _ in 0..frames / 1000 {
        raw.send((0..1000).map(|_| Frame::data(stream, "x"))).await;
        tokio::task::yield_now().await;
    }
    raw.send([Frame::last_data(stream, "")]).await;
    let (all, _tunnel) = soon(reading).await.expect("no panic");
    assert_eq!(all.expect("an end").len(), frames);
}

#[tokio::test(start_paused = true)]
async fn what_was_put_together_is_read_before_a_reset_is_learnt() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send((0..20_000).map(|_| Frame::data(stream, "x")))
        .await;
    raw.send([Frame::reset(stream, 8)]).await;
    raw.until_quiet().await;
    let mut got = vec![0; 20_000];
    soon(tunnel.read_exact(&mut got))
        .await
        .expect("what came before");
    soon(tunnel.read_u8()).await.expect_err("the reset");
}
