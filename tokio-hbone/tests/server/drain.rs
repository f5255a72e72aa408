//! How a connection of ours comes to its end in good order, or not.

use std::time::Duration;

use hbone::{Cut, DrainConfig, DrainEnd, Reason, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tokio_hbone::ConnectionConfig;

use crate::driven::{next_of, open, pong, script_to_driven};
use crate::support::ends::{CONNECT, read_all, tunnel_error};
use crate::support::frame::{Frame, GOAWAY, PING};
use crate::support::soon;

const EVERY_STREAM: u32 = (1 << 31) - 1;

/// A drain deadline of a second.
fn config() -> ConnectionConfig {
    let mut config = ConnectionConfig::default();
    config.drain = DrainConfig::default();
    config.drain.deadline = Duration::from_secs(1);
    config
}

/// HBONE-R-002.
#[tokio::test(start_paused = true)]
async fn a_drain_says_goaway_twice_and_waits_for_the_tunnels() {
    // [133]
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let tunnels = open(&mut raw, &mut driven, 50).await;
    driven.handle.drain();

    let first = next_of(&mut raw, GOAWAY).await;
    assert_eq!((first.last_stream(), first.reason()), (EVERY_STREAM, 0));
    let ping = next_of(&mut raw, PING).await;
    pong(&mut raw, ping).await;
    let last = next_of(&mut raw, GOAWAY).await;
    assert_eq!((last.last_stream(), last.reason()), (99, 0));

    for (mut tunnel, stream) in tunnels.into_iter().zip((1..).step_by(2)) {
        raw.send([Frame::last_data(stream, "question")]).await;
        assert_eq!(read_all(&mut tunnel).await.expect("all of it"), b"question");
        tunnel.write_all(b"answer").await.expect("room");
        tunnel.shutdown().await.expect("an end");
        assert_eq!(raw.bytes_of(stream).await, b"answer");
    }
    assert_eq!(raw.any_frame().await, None);
    assert_eq!(driven.end().await, Some(DrainEnd::Clean));
}

/// HBONE-S-013.
#[tokio::test(start_paused = true)]
async fn a_connect_during_the_drain_is_refused_so_that_it_may_be_repeated() {
    // [135]
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let tunnels = open(&mut raw, &mut driven, 1).await;
    driven.handle.drain();
    next_of(&mut raw, GOAWAY).await;
    // The client has sent this before it learnt of the GOAWAY.
    raw.send([Frame::headers(3, &CONNECT)]).await;
    assert_eq!(raw.reset_of(3).await, Reason::REFUSED_STREAM.to_wire());
    drop(tunnels);
    assert_eq!(driven.incoming.recv().await.map(drop), None);
}

/// HBONE-R-003.
#[tokio::test(start_paused = true)]
async fn past_the_drain_deadline_what_is_left_is_cut() {
    // [134]
    let (mut raw, mut driven) = script_to_driven(config()).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    let began = Instant::now();
    driven.handle.drain();
    let error = read_all(&mut tunnel).await.expect_err("it was cut");
    assert_eq!(tunnel_error(&error), TunnelError::Cut(Cut::Drained));
    assert_eq!(raw.reset_of(1).await, Reason::CONNECT_ERROR.to_wire());
    assert_eq!(raw.go_away().await, 0);
    let end = driven.end().await;
    assert_eq!(end, Some(DrainEnd::TimedOut { streams: 1 }));
    assert!(began.elapsed() <= Duration::from_millis(1200));
}

#[tokio::test(start_paused = true)]
async fn the_drain_deadline_holds_for_a_peer_that_never_reads() {
    // [136]
    let (mut raw, mut driven) = script_to_driven(config()).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    // More than the pipe takes: nothing that we say reaches the client any more.
    raw.send([
        Frame::window_update(0, 1 << 20),
        Frame::window_update(1, 1 << 20),
    ])
    .await;
    tunnel.write_all(&[7; 256 << 10]).await.expect("room");
    let began = Instant::now();
    driven.handle.drain();
    let error = soon(tunnel.read(&mut [0])).await.expect_err("it was cut");
    assert_eq!(tunnel_error(&error), TunnelError::Cut(Cut::Drained));
    let end = driven.end().await;
    assert_eq!(end, Some(DrainEnd::TimedOut { streams: 1 }));
    assert!(began.elapsed() <= Duration::from_millis(1200));
    drop(raw);
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_has_ended_but_is_not_yet_read_is_waited_for() {
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    raw.send([
        Frame::last_data(1, ""),
        Frame::window_update(0, 1 << 20),
        Frame::window_update(1, 1 << 20),
    ])
    .await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"");
    tunnel.write_all(&[7; 200 << 10]).await.expect("room");
    tunnel.shutdown().await.expect("an end");
    drop(tunnel);
    driven.handle.drain();
    let ping = next_of(&mut raw, PING).await;
    pong(&mut raw, ping).await;
    let mut all = 0;
    while let Some(frame) = raw.frame().await {
        if frame.kind == crate::support::frame::DATA {
            all += frame.payload.len();
        }
    }
    assert_eq!(all, 200 << 10);
    assert_eq!(driven.end().await, Some(DrainEnd::Clean));
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_stops_at_once() {
    // [137]
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    driven.handle.drain();
    next_of(&mut raw, GOAWAY).await;
    let began = Instant::now();
    driven.handle.drain();
    let error = read_all(&mut tunnel).await.expect_err("it was cut");
    assert_eq!(tunnel_error(&error), TunnelError::Cut(Cut::Drained));
    let end = driven.end().await;
    assert_eq!(end, Some(DrainEnd::Interrupted { streams: 1 }));
    assert!(began.elapsed() <= Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_tunnels_drains_at_once() {
    let (mut raw, driven) = script_to_driven(ConnectionConfig::default()).await;
    driven.handle.drain();
    let ping = next_of(&mut raw, PING).await;
    pong(&mut raw, ping).await;
    assert_eq!(raw.go_away().await, 0);
    assert_eq!(driven.end().await, Some(DrainEnd::Clean));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_finds_no_tunnel_says_goodbye_to_a_client_that_never_answers() {
    // [136] The deadline comes with the end of the wait for the client's answer, or before it.
    for announce in [1, 10] {
        let mut config = config();
        config.drain.announce = Duration::from_secs(announce);
        let (mut raw, driven) = script_to_driven(config).await;
        let began = Instant::now();
        driven.handle.drain();
        assert_eq!(raw.go_away().await, 0);
        assert_eq!(driven.end().await, Some(DrainEnd::Clean));
        assert!(began.elapsed() <= Duration::from_millis(1200));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanishes_during_the_drain_ends_it() {
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let tunnels = open(&mut raw, &mut driven, 1).await;
    driven.handle.drain();
    next_of(&mut raw, GOAWAY).await;
    drop(raw);
    assert_eq!(driven.end().await, Some(DrainEnd::Lost));
    drop(tunnels);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_uses_is_drained() {
    // [56]
    let mut config = ConnectionConfig::default();
    config.keepalive = None;
    config.idle_timeout = Some(Duration::from_secs(60));
    let (mut raw, mut driven) = script_to_driven(config).await;
    let began = Instant::now();
    let tunnels = open(&mut raw, &mut driven, 1).await;
    // With a tunnel on it, it is in use, whether bytes flow or not.
    tokio::time::sleep(Duration::from_secs(300)).await;
    raw.send([Frame::reset(1, Reason::CANCEL.to_wire())]).await;
    drop(tunnels);
    let ping = next_of(&mut raw, PING).await;
    assert!(began.elapsed() >= Duration::from_secs(360));
    pong(&mut raw, ping).await;
    assert_eq!(raw.go_away().await, 0);
    assert_eq!(driven.end().await, Some(DrainEnd::Clean));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_grown_old_is_drained() {
    let mut config = ConnectionConfig::default();
    config.keepalive = None;
    config.max_age = Some(Duration::from_secs(100));
    config.drain.deadline = Duration::from_secs(50);
    let (mut raw, mut driven) = script_to_driven(config).await;
    let began = Instant::now();
    let tunnels = open(&mut raw, &mut driven, 1).await;
    next_of(&mut raw, GOAWAY).await;
    assert_eq!(began.elapsed().as_secs(), 100);
    assert_eq!(raw.reset_of(1).await, Reason::CONNECT_ERROR.to_wire());
    drop(tunnels);
    let end = driven.end().await;
    assert_eq!(end, Some(DrainEnd::TimedOut { streams: 1 }));
}

#[tokio::test(start_paused = true)]
async fn who_asks_an_old_connection_to_drain_does_not_ask_twice() {
    let mut config = ConnectionConfig::default();
    config.keepalive = None;
    config.max_age = Some(Duration::from_secs(100));
    let (mut raw, mut driven) = script_to_driven(config).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    next_of(&mut raw, GOAWAY).await;
    driven.handle.drain();
    raw.send([Frame::last_data(1, "in peace")]).await;
    assert_eq!(read_all(&mut tunnel).await.expect("all"), b"in peace");
    // But then it has been asked once.
    driven.handle.drain();
    let end = driven.end().await;
    assert_eq!(end, Some(DrainEnd::Interrupted { streams: 1 }));
}
