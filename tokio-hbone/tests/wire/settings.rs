//! Settings that a peer changes in the middle of a connection (RFC 9113 section 6.5.3), and windows that open by nothing.

use hbone::{Accept, Reason};
use http::HeaderValue;
use loona_hpack::Decoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::ends::{
    CONNECT, read_all, script_to_server, script_to_tunnel, tunnel_error, tunnel_to_script,
};
use crate::support::frame::{
    ACK, DATA, Frame, HEADER_TABLE_SIZE, HEADERS, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, SETTINGS,
};
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn no_frame_is_larger_than_the_peer_takes_at_the_time() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    for largest in [1 << 14, 1 << 15, 1 << 14] {
        raw.send([Frame::settings(&[(MAX_FRAME_SIZE, largest)])])
            .await;
        loop {
            let frame = raw.any_frame().await.expect("a client");
            if frame.kind == SETTINGS && frame.has(ACK) {
                break;
            }
        }
        let writing = tokio::spawn(async move {
            tunnel.write_all(&[1; 60_000]).await.expect("a tunnel");
            tunnel
        });
        let (mut got, mut longest) = (0, 0);
        while got < 60_000 {
            let frame = raw.expect(DATA).await;
            got += frame.payload.len();
            longest = longest.max(frame.payload.len());
            let some = u32::try_from(frame.payload.len()).expect("a frame");
            raw.send([
                Frame::window_update(0, some),
                Frame::window_update(stream, some),
            ])
            .await;
        }
        assert_eq!(longest, usize::try_from(largest).expect("few"));
        tunnel = soon(writing).await.expect("no panic");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_keeps_no_table_of_headers_can_read_every_answer() {
    let (mut raw, mut incoming) = script_to_server().await;
    let baggage = HeaderValue::from_static("k8s.cluster.name=east,service.name=echo");
    let accept = Accept::new([baggage].into_iter().collect());
    let mut tunnels = Vec::new();
    for stream in [1, 3, 5] {
        raw.send([
            Frame::settings(&[(HEADER_TABLE_SIZE, 0)]),
            Frame::headers(stream, &CONNECT),
        ])
        .await;
        let asked = soon(incoming.recv()).await.expect("a CONNECT");
        tunnels.push(asked.accept(&accept).expect("a client"));
        let head = raw.expect(HEADERS).await;
        // Nothing is remembered from one answer to the next.
        let mut decoder = Decoder::new();
        decoder.set_max_table_size(0);
        let fields = decoder.decode(&head.payload).expect("a header block");
        let of = |name: &[u8]| fields.iter().find(|(is, _)| &**is == name);
        assert!(of(b":status").is_some(), "{fields:?}");
        assert!(of(b"baggage").is_some(), "{fields:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_no_stream_leaves_the_tunnels_that_are_open() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send([Frame::settings(&[(MAX_CONCURRENT_STREAMS, 0)])])
        .await;
    raw.until_quiet().await;
    tunnel.write_all(b"still").await.expect("a tunnel");
    tunnel.shutdown().await.expect("a tunnel");
    assert_eq!(raw.bytes_of(stream).await, b"still");
    raw.send([Frame::last_data(stream, "here")]).await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"here");
}

#[tokio::test(start_paused = true)]
async fn a_window_that_opens_by_nothing_is_an_error_and_no_end_of_file() {
    for stream in [0, 1] {
        let (mut raw, mut tunnel) = script_to_tunnel().await;
        raw.send([Frame::data(1, "a part"), Frame::window_update(stream, 0)])
            .await;
        let mut part = Vec::new();
        let error = soon(tunnel.read_to_end(&mut part)).await;
        tunnel_error(&error.expect_err("no end of file"));
        assert_eq!(part, b"a part");
        // RFC 9113 section 6.9 asks for no more than the reset of a stream; h2 ends the connection.
        assert_eq!(raw.go_away().await, Reason::PROTOCOL_ERROR.to_wire());
    }
}
