//! Ending what goes on, from elsewhere.

use hbone::{Accept, Cut, Reason, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_hbone::ConnectionConfig;

use crate::driven::{open, script_to_driven};
use crate::support::ends::{CONNECT, read_all, tunnel_error};
use crate::support::frame::{Frame, HEADERS};
use crate::support::soon;

const CONNECT_ERROR: u32 = Reason::CONNECT_ERROR.to_wire();

#[tokio::test(start_paused = true)]
async fn one_tunnel_can_be_cut_and_its_sibling_lives_on() {
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    raw.send([Frame::headers(1, &CONNECT), Frame::headers(3, &CONNECT)])
        .await;
    let (first, second) = (driven.next().await, driven.next().await);
    let handle = first.handle();
    let mut cut = first.accept(&Accept::default()).expect("a client");
    let mut other = second.accept(&Accept::default()).expect("a client");
    raw.expect(HEADERS).await;
    raw.expect(HEADERS).await;

    let reader = tokio::spawn(async move {
        let error = read_all(&mut cut).await.expect_err("it was cut");
        let writer = cut.write_all(b"x").await.expect_err("it was cut");
        (tunnel_error(&error), tunnel_error(&writer))
    });
    tokio::task::yield_now().await;
    assert!(handle.is_open());
    handle.cut(Cut::Revoked);
    assert_eq!(raw.reset_of(1).await, CONNECT_ERROR);
    let revoked = TunnelError::Cut(Cut::Revoked);
    assert_eq!(soon(reader).await.expect("no panic"), (revoked, revoked));
    assert!(!handle.is_open());

    raw.send([Frame::data(3, "x")]).await;
    soon(other.read_exact(&mut [0])).await.expect("a byte");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_waits_for_room_learns_of_the_cut() {
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let incoming = driven.next().await;
    let handle = incoming.handle();
    let mut tunnel = incoming.accept(&Accept::default()).expect("a client");
    let writer = tokio::spawn(async move { tunnel.write_all(&[7; 1 << 20]).await });
    // Its window is full.
    raw.until_quiet().await;
    handle.cut(Cut::Revoked);
    let error = soon(writer).await.expect("no panic").expect_err("cut");
    assert_eq!(tunnel_error(&error), TunnelError::Cut(Cut::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_connect_without_an_answer_can_be_cut() {
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let incoming = driven.next().await;
    incoming.handle().cut(Cut::Revoked);
    soon(incoming.given_up()).await;
    assert_eq!(raw.reset_of(1).await, CONNECT_ERROR);
    let error = incoming.accept(&Accept::default()).expect_err("too late");
    assert_eq!(error, TunnelError::Cut(Cut::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_forgotten_is_reset_with_internal_error() {
    // [74]
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    drop(driven.next().await);
    assert_eq!(raw.reset_of(1).await, Reason::INTERNAL_ERROR.to_wire());
}

#[tokio::test(start_paused = true)]
async fn a_whole_connection_can_be_cut() {
    // [22]
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let mut tunnels = open(&mut raw, &mut driven, 3).await;
    driven.handle.cut(Cut::Revoked);
    for stream in [1, 3, 5] {
        assert_eq!(raw.reset_of(stream).await, CONNECT_ERROR);
    }
    raw.go_away().await;
    for tunnel in &mut tunnels {
        let error = read_all(tunnel).await.expect_err("it was cut");
        assert_eq!(tunnel_error(&error), TunnelError::Cut(Cut::Revoked));
    }
    driven.end().await;
}

#[tokio::test(start_paused = true)]
async fn handles_outlive_what_they_end() {
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let tunnel = driven.next().await.handle();
    let connection = driven.handle.clone();
    drop(raw);
    driven.end().await;
    tunnel.cut(Cut::Revoked);
    connection.cut(Cut::Revoked);
    connection.drain();
}
