//! Whether a client still lives.

use std::time::Duration;

use hbone::{KeepaliveConfig, Loss, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};
use tokio_hbone::ConnectionConfig;

use crate::driven::{next_of, open, pong, script_to_driven};
use crate::support::ends::{read_all, tunnel_error};
use crate::support::frame::{Frame, PING};
use crate::support::soon;

/// Asks after 200 ms and gives up 400 ms later.
fn config() -> ConnectionConfig {
    let mut config = ConnectionConfig::default();
    let (interval, timeout) = (Duration::from_millis(200), Duration::from_millis(400));
    config.keepalive = Some(KeepaliveConfig::new(interval, timeout));
    config
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_nothing_any_more_is_given_up() {
    // [129]
    let (mut raw, mut driven) = script_to_driven(config()).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    let began = Instant::now();
    next_of(&mut raw, PING).await;
    let error = read_all(&mut tunnel).await.expect_err("it was given up");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(tunnel_error(&error), TunnelError::Lost(Loss::Unanswered));
    let error = tunnel.write_all(b"x").await.expect_err("it was given up");
    assert_eq!(tunnel_error(&error), TunnelError::Lost(Loss::Unanswered));
    driven.end().await;
    assert!(began.elapsed() <= Duration::from_millis(700));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_late_but_in_time_lives_on() {
    // [130]
    let (mut raw, mut driven) = script_to_driven(config()).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    for _ in 0..20 {
        let ping = next_of(&mut raw, PING).await;
        sleep(Duration::from_millis(350)).await;
        pong(&mut raw, ping).await;
    }
    raw.send([Frame::last_data(1, "still here")]).await;
    assert_eq!(read_all(&mut tunnel).await.expect("all"), b"still here");
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_bytes_flow_is_not_asked() {
    // [131]
    let (mut raw, mut driven) = script_to_driven(config()).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    for _ in 0..50 {
        raw.send([Frame::data(1, "x")]).await;
        soon(tunnel.read_exact(&mut [0])).await.expect("a byte");
        let asked = timeout(Duration::from_millis(150), next_of(&mut raw, PING)).await;
        assert!(asked.is_err(), "no PING while bytes flow");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_a_slow_client_takes_are_a_sign_of_life() {
    // [131] A saturated link: the client never gets to answer, but takes what was refused before.
    let (mut raw, mut driven) = script_to_driven(config()).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    let much = 8 << 20;
    raw.send([Frame::window_update(0, much), Frame::window_update(1, much)])
        .await;
    let writing = tokio::spawn(async move {
        tunnel
            .write_all(&vec![7; much as usize])
            .await
            .expect("all of it");
        tunnel
    });
    let mut taken = 0;
    while taken < much as usize {
        let frame = raw.any_frame().await.expect("more");
        if frame.kind == crate::support::frame::DATA {
            taken += frame.payload.len();
            sleep(Duration::from_millis(100)).await;
        }
    }
    soon(writing).await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_floods_with_pings_and_reads_no_answer_is_given_up() {
    // [38]
    let (mut raw, driven) = script_to_driven(config()).await;
    // Stops as soon as our answers fill the pipe, and fails when we hang up.
    for _ in 0..100 {
        raw.send((0..1000).map(|_| Frame::ping())).await;
    }
    driven.end().await;
}
