//! How a tunnel ends well: each half by itself, behind its last byte.

use std::io::ErrorKind;
use std::time::Duration;

use hbone::{Accept, Cut, Reason, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_hbone::{Http2Config, ResetCounts};

use crate::support::ends::{
    CONNECT, accept_next, acceptor, connector, read_all, script_to_server, script_to_server_with,
    script_to_tunnel, tunnel_error, tunnel_pair, tunnel_to_script, tunnel_to_script_with,
};
use crate::support::frame::{DATA, END_STREAM, Frame, HEADERS, INITIAL_WINDOW_SIZE};
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn a_client_that_has_ended_its_half_still_gets_ten_mebibytes() {
    // [110]
    let (mut client, mut server) = tunnel_pair().await;
    client.write_all(b"the question").await.expect("a peer");
    client.shutdown().await.expect("a peer");
    let answer = pattern(10 << 20);
    let answering = async {
        assert_eq!(
            read_all(&mut server).await.expect("a question"),
            b"the question"
        );
        soon(server.write_all(&answer)).await.expect("a peer");
        server.shutdown().await.expect("a peer");
    };
    let (got, ()) = tokio::join!(read_all(&mut client), answering);
    assert!(got.expect("an end of file") == answer);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_ended_its_half_still_gets_every_byte() {
    // [97]
    let (mut client, mut server) = tunnel_pair().await;
    server.shutdown().await.expect("a peer");
    assert_eq!(read_all(&mut client).await.expect("an end of file"), b"");
    let late = pattern(1 << 20);
    let writing = async {
        soon(client.write_all(&late)).await.expect("a peer");
        client.shutdown().await.expect("a peer");
    };
    let (got, ()) = tokio::join!(read_all(&mut server), writing);
    assert!(got.expect("an end of file") == late);
}

#[tokio::test(start_paused = true)]
async fn data_that_carries_the_end_of_stream_is_delivered_whole() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send([Frame::data(stream, "one "), Frame::last_data(stream, "two")])
        .await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"one two");
    // Once more changes nothing.
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_ends_the_stream_opens_a_tunnel_that_can_only_be_written() {
    // [86]
    let (near, far) = crate::support::io::pipe();
    let (connector, route) = (connector(), crate::support::ends::route());
    let script = async {
        let mut raw = crate::support::ends::scripted_server(far).await;
        let stream = raw.connect().await;
        raw.send([Frame::last_headers(stream, &[(":status", "200")])])
            .await;
        (raw.bytes_of(stream).await, raw)
    };
    let client = async {
        let mut tunnel = connector.connect_over(near, &route).await.expect("200");
        assert_eq!(read_all(&mut tunnel).await.expect("an end of file"), b"");
        tunnel.write_all(b"still flows").await.expect("a peer");
        tunnel.shutdown().await.expect("a peer");
        tunnel
    };
    let (_tunnel, (got, _raw)) = tokio::join!(client, script);
    assert_eq!(got, b"still flows");
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_ends_its_half_at_once_is_served() {
    // [68]
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([Frame::last_headers(1, &CONNECT)]).await;
    let mut tunnel = accept_next(&mut incoming).await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end of file"), b"");
    tunnel.write_all(b"the answer").await.expect("a peer");
    tunnel.shutdown().await.expect("a peer");
    let head = raw.expect(HEADERS).await;
    assert!(!head.has(END_STREAM));
    assert_eq!(raw.bytes_of(1).await, b"the answer");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_ends_and_is_dropped_at_once_loses_no_byte() {
    // [124]
    for size in [0, 1, 16_384, 60_000] {
        let (mut raw, mut tunnel) = script_to_tunnel().await;
        let bytes = pattern(size);
        tunnel.write_all(&bytes).await.expect("a peer");
        tunnel.shutdown().await.expect("a peer");
        drop(tunnel);
        assert!(raw.bytes_of(1).await == bytes, "server, {size}");

        let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
        tunnel.write_all(&bytes).await.expect("a peer");
        tunnel.shutdown().await.expect("a peer");
        drop(tunnel);
        assert!(raw.bytes_of(stream).await == bytes, "client, {size}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_ends_and_is_dropped_outside_of_the_runtime_loses_no_byte() {
    // [124], as for somebody who has left `block_on` with the tunnel in hand.
    let bytes = pattern(300_000);
    for client_is_dropped in [true, false] {
        let (client, server) = tunnel_pair().await;
        let (mut dropped, mut reader) = match client_is_dropped {
            true => (client, server),
            false => (server, client),
        };
        dropped.write_all(&bytes).await.expect("a peer");
        dropped.shutdown().await.expect("a peer");
        let outside = std::thread::spawn(move || drop(dropped));
        outside.join().expect("no panic");
        assert!(read_all(&mut reader).await.expect("an end of file") == bytes);
        reader.shutdown().await.expect("the peer still reads");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_written_behind_the_window_and_ended_arrives_though_the_writer_is_dropped() {
    // [124], with more than the peer's window: it is all in the hands of the connection.
    let (mut raw, mut tunnel) = script_to_tunnel().await;
    let bytes = pattern(65_535);
    tunnel.write_all(&bytes).await.expect("a peer");
    // The window is used up now, and nothing has been given back.
    tunnel.shutdown().await.expect("a peer");
    drop(tunnel);
    tokio::task::yield_now().await;
    assert!(raw.bytes_of(1).await == bytes);
}

#[tokio::test(start_paused = true)]
async fn a_reset_behind_the_end_of_stream_leaves_the_reader_at_its_end_of_file() {
    // [124]
    for reason in [Reason::NO_ERROR, Reason::CANCEL, Reason::INTERNAL_ERROR] {
        let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
        raw.send([
            Frame::last_data(stream, "all of it"),
            Frame::reset(stream, reason.to_wire()),
        ])
        .await;
        assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"all of it");
        let error = write_until_it_fails(&mut tunnel).await;
        assert_eq!(tunnel_error(&error), TunnelError::Stopped(reason));
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"");
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_learns_of_such_a_reset_first_takes_nothing_from_the_reader() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send([
        Frame::last_data(stream, "all of it"),
        Frame::reset(stream, Reason::NO_ERROR.to_wire()),
    ])
    .await;
    let error = write_until_it_fails(&mut tunnel).await;
    assert!(
        matches!(tunnel_error(&error), TunnelError::Reset(Reason::NO_ERROR)),
        "{error:?}"
    );
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"all of it");
}

#[tokio::test(start_paused = true)]
async fn shutting_down_twice_is_harmless_and_writing_afterwards_is_an_error() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    tunnel.write_all(b"bye").await.expect("a peer");
    tunnel.shutdown().await.expect("a peer");
    tunnel.shutdown().await.expect("a peer");
    let error = tunnel.write_all(b"more").await.expect_err("ended");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(raw.bytes_of(stream).await, b"bye");
    let frames = raw.until_quiet().await;
    assert!(frames.iter().all(|frame| frame.kind != DATA), "{frames:?}");
    // The other half is as alive as before.
    raw.send([Frame::last_data(stream, "bye, too")]).await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"bye, too");
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_whose_halves_have_both_ended_is_not_reset_when_it_is_dropped() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send([Frame::last_data(stream, "x")]).await;
    read_all(&mut tunnel).await.expect("an end of file");
    tunnel.shutdown().await.expect("a peer");
    drop(tunnel);
    assert_eq!(raw.bytes_of(stream).await, b"");
    let frames = raw.until_quiet().await;
    let resets = frames
        .iter()
        .filter(|frame| frame.kind == crate::support::frame::RST_STREAM);
    assert_eq!(resets.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn tunnels_that_are_over_and_still_kept_take_no_place_from_others() {
    let mut http2 = Http2Config::server();
    http2.concurrent_streams = 1;
    let (mut raw, mut incoming) = script_to_server_with(acceptor().with_http2(http2), &[]).await;
    let mut kept = Vec::new();
    for stream in (1..200).step_by(2) {
        raw.send([Frame::last_headers(stream, &CONNECT)]).await;
        let mut tunnel = accept_next(&mut incoming).await;
        tunnel.shutdown().await.expect("a peer");
        assert_eq!(read_all(&mut tunnel).await.expect("an end of file"), b"");
        kept.push(tunnel);
        raw.expect(HEADERS).await;
        assert_eq!(raw.bytes_of(stream).await, b"");
    }
}

#[tokio::test(start_paused = true)]
async fn to_cut_a_tunnel_that_is_over_takes_nothing_back() {
    let acceptor = acceptor();
    let (mut raw, mut incoming) = script_to_server_with(acceptor.clone(), &[]).await;
    raw.send([Frame::last_headers(1, &CONNECT)]).await;
    let incoming = soon(incoming.recv()).await.expect("a CONNECT");
    let handle = incoming.handle();
    let mut tunnel = incoming.accept(&Accept::default()).expect("a client");
    tunnel.write_all(b"the last word").await.expect("a peer");
    tunnel.shutdown().await.expect("a peer");
    assert!(handle.is_open());
    assert_eq!(read_all(&mut tunnel).await.expect("an end of file"), b"");
    assert!(!handle.is_open());
    handle.cut(Cut::Revoked);
    raw.expect(HEADERS).await;
    assert_eq!(raw.bytes_of(1).await, b"the last word");
    assert_eq!(acceptor.stats().resets_sent, ResetCounts::default());
}

#[tokio::test(start_paused = true)]
async fn one_byte_reads_see_the_same_as_large_ones() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send([Frame::data(stream, "ab"), Frame::last_data(stream, "c")])
        .await;
    let mut got = Vec::new();
    loop {
        let mut byte = [0];
        // An empty buffer is no end of file.
        assert_eq!(soon(tunnel.read(&mut [])).await.expect("a tunnel"), 0);
        if soon(tunnel.read(&mut byte)).await.expect("a tunnel") == 0 {
            break;
        }
        got.push(byte[0]);
    }
    assert_eq!(got, b"abc");
}

async fn write_until_it_fails(tunnel: &mut tokio_hbone::Tunnel) -> std::io::Error {
    for _ in 0..1000 {
        if let Err(error) = soon(tunnel.write_all(b"more")).await {
            return error;
        }
        tokio::task::yield_now().await;
    }
    panic!("a writer that never learns");
}

/// Bytes of which no two neighbours are alike, so that a lost or doubled one shows.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_slow_to_read_gets_the_last_byte_of_a_tunnel_that_was_let_go() {
    // [124]: more than the pipe and TLS take, and longer than a peer has for its own end.
    let (mut tunnel, mut raw, stream) =
        tunnel_to_script_with(connector(), &[(INITIAL_WINDOW_SIZE, 1 << 20)]).await;
    raw.send([Frame::window_update(0, 1 << 20)]).await;
    raw.until_quiet().await;
    let all = 600 << 10;
    tunnel.write_all(&vec![7; all]).await.expect("a window");
    tunnel.shutdown().await.expect("an end");
    drop(tunnel);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(raw.bytes_of(stream).await.len(), all);
    // And one that never ends its own half is not waited for.
    assert_eq!(raw.reset_of(stream).await, 8);
}
