//! Resets, both ways: to a reader they are an error and never an end of file.

use std::io::ErrorKind;

use hbone::{Reason, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_hbone::Tunnel;

use crate::support::ends::{
    CONNECT, accept_next, read_all, script_to_server, script_to_tunnel, tunnel_error, tunnel_pair,
    tunnel_to_script,
};
use crate::support::frame::{DATA, Frame, GOAWAY, HEADERS};
use crate::support::raw::Raw;
use crate::support::soon;

/// All of RFC 9113 section 7, and two that it does not know.
fn every_reason() -> impl Iterator<Item = Reason> {
    (0..=14).chain([0xdead_beef]).map(Reason::from_wire)
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_every_reason_is_an_error_to_a_client_behind_the_bytes_that_came_before() {
    // [111]
    for reason in every_reason() {
        let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
        cut_off(&mut tunnel, &mut raw, stream, reason).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_every_reason_is_an_error_to_a_server_behind_the_bytes_that_came_before() {
    // [111]
    for reason in every_reason() {
        let (mut raw, mut tunnel) = script_to_tunnel().await;
        cut_off(&mut tunnel, &mut raw, 1, reason).await;
    }
}

async fn cut_off(tunnel: &mut Tunnel, raw: &mut Raw, stream: u32, reason: Reason) {
    raw.send([Frame::data(stream, "a part")]).await;
    let mut part = [0; 6];
    soon(tunnel.read_exact(&mut part)).await.expect("the part");
    raw.send([Frame::reset(stream, reason.to_wire())]).await;
    for _ in 0..2 {
        let error = read_all(tunnel).await.expect_err("no end of file");
        assert_eq!(tunnel_error(&error), TunnelError::Reset(reason));
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let error = tunnel.write_all(b"more").await.expect_err("reset");
    assert_eq!(tunnel_error(&error), TunnelError::Reset(reason));
    let error = tunnel.shutdown().await.expect_err("reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn a_reset_right_behind_data_never_makes_the_data_look_like_the_whole() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send([
        Frame::data(stream, "a part"),
        Frame::reset(stream, Reason::CANCEL.to_wire()),
    ])
    .await;
    let mut got = Vec::new();
    let error = soon(tunnel.read_to_end(&mut got)).await;
    let error = error.expect_err("no end of file");
    assert_eq!(tunnel_error(&error), TunnelError::Reset(Reason::CANCEL));
    assert!(b"a part".starts_with(&got[..]), "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_waits_for_the_window_is_woken_by_a_reset() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let writing = tokio::spawn(async move {
        let error = tunnel.write_all(&[7; 1 << 20]).await.expect_err("reset");
        tunnel_error(&error)
    });
    // 65,535 bytes are what the window allows (RFC 9113 section 6.9.2).
    let sent: usize = raw
        .until_quiet()
        .await
        .iter()
        .filter(|frame| frame.kind == DATA)
        .map(|frame| frame.payload.len())
        .sum();
    assert_eq!(sent, 65_535);
    raw.send([Frame::reset(stream, Reason::CONNECT_ERROR.to_wire())])
        .await;
    let error = soon(writing).await.expect("no panic");
    assert_eq!(error, TunnelError::Reset(Reason::CONNECT_ERROR));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drops_a_tunnel_resets_it_with_a_reason_that_nobody_takes_for_an_end() {
    // [98]
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    tunnel.write_all(b"half of i").await.expect("a peer");
    drop(tunnel);
    let reason = raw.reset_of(stream).await;
    assert_eq!(reason, Reason::INTERNAL_ERROR.to_wire());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drops_a_tunnel_resets_it_with_a_reason_that_nobody_takes_for_an_end() {
    let (mut raw, tunnel) = script_to_tunnel().await;
    drop(tunnel);
    let reason = raw.reset_of(1).await;
    assert_eq!(reason, Reason::INTERNAL_ERROR.to_wire());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_ended_its_half_and_drops_the_tunnel_cancels_the_other() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    tunnel.write_all(b"bye").await.expect("a peer");
    tunnel.shutdown().await.expect("a peer");
    drop(tunnel);
    assert_eq!(raw.bytes_of(stream).await, b"bye");
    assert_eq!(raw.reset_of(stream).await, Reason::CANCEL.to_wire());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_ended_its_half_and_drops_the_tunnel_stops_the_other_without_error() {
    // RFC 9113 section 8.1: NO_ERROR says that nothing more is wanted.
    let (mut raw, mut tunnel) = script_to_tunnel().await;
    tunnel.shutdown().await.expect("a peer");
    drop(tunnel);
    assert_eq!(raw.bytes_of(1).await, b"");
    assert_eq!(raw.reset_of(1).await, Reason::NO_ERROR.to_wire());
}

#[tokio::test(start_paused = true)]
async fn a_peer_of_ours_that_drops_its_end_is_an_error_to_the_other() {
    let (client, mut server) = tunnel_pair().await;
    drop(client);
    let error = read_all(&mut server).await.expect_err("no end of file");
    assert_eq!(
        tunnel_error(&error),
        TunnelError::Reset(Reason::INTERNAL_ERROR)
    );

    let (mut client, server) = tunnel_pair().await;
    drop(server);
    let error = read_all(&mut client).await.expect_err("no end of file");
    let reason = Reason::INTERNAL_ERROR;
    assert_eq!(tunnel_error(&error), TunnelError::Reset(reason));
}

#[tokio::test(start_paused = true)]
async fn trailers_are_an_error_to_the_reader_and_a_reset_to_their_sender() {
    // [70]
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    trailers(&mut tunnel, &mut raw, stream, Frame::last_headers).await;
    let (mut raw, mut tunnel) = script_to_tunnel().await;
    trailers(&mut tunnel, &mut raw, 1, Frame::last_headers).await;
}

#[tokio::test(start_paused = true)]
async fn headers_in_the_middle_of_a_tunnel_are_an_error_too() {
    // [70], without END_STREAM: h2 resets the stream by itself.
    let (mut raw, mut tunnel) = script_to_tunnel().await;
    raw.send([
        Frame::data(1, "a part"),
        Frame::headers(1, &[("grpc-status", "0")]),
    ])
    .await;
    let error = read_all(&mut tunnel).await.expect_err("no end of file");
    assert_ne!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(raw.reset_of(1).await, Reason::PROTOCOL_ERROR.to_wire());
}

async fn trailers(
    tunnel: &mut Tunnel,
    raw: &mut Raw,
    stream: u32,
    head: impl Fn(u32, &[(&str, &str)]) -> Frame,
) {
    raw.send([
        Frame::data(stream, "a part"),
        head(stream, &[("grpc-status", "0")]),
    ])
    .await;
    let mut part = [0; 6];
    soon(tunnel.read_exact(&mut part)).await.expect("the part");
    let error = read_all(tunnel).await.expect_err("no end of file");
    assert_eq!(tunnel_error(&error), TunnelError::Trailers);
    let error = tunnel.write_all(b"more").await.expect_err("over");
    assert_eq!(tunnel_error(&error), TunnelError::Trailers);
    let reset = raw.reset_of(stream).await;
    assert_eq!(reset, Reason::PROTOCOL_ERROR.to_wire());
}

#[tokio::test(start_paused = true)]
async fn the_reset_of_one_tunnel_leaves_the_next_on_the_connection_alone() {
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([Frame::headers(1, &CONNECT), Frame::headers(3, &CONNECT)])
        .await;
    let mut first = accept_next(&mut incoming).await;
    let mut second = accept_next(&mut incoming).await;
    raw.expect(HEADERS).await;
    raw.expect(HEADERS).await;
    raw.send([Frame::last_headers(1, &[("x", "y")])]).await;
    read_all(&mut first).await.expect_err("trailers");
    raw.send([
        Frame::reset(1, Reason::INTERNAL_ERROR.to_wire()),
        Frame::last_data(3, "unharmed"),
    ])
    .await;
    assert_eq!(read_all(&mut second).await.expect("an end"), b"unharmed");
    let frames = raw.until_quiet().await;
    assert!(frames.iter().all(|frame| frame.kind != GOAWAY));
}
