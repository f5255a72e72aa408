//! A program that was not scheduled for a while: what the peer has sent in the meantime came in time.

use std::time::Duration;

use hbone::{KeepaliveConfig, RequestLimits};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, split};
use tokio::task::yield_now;
use tokio::time::{Instant, advance};

use crate::support::ends::{OK, connector, read_all, route, scripted_server};
use crate::support::frame::{ACK, Frame, PING};
use crate::support::io::{Io, pipe};
use crate::support::place::Place;
use crate::support::raw::Raw;
use crate::support::soon;

/// More than tokio runs between two looks at its timers.
const OTHERS: usize = 100;
/// For how long a program stood still.
const STOPPED: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn an_answer_that_has_come_is_not_too_late_because_other_tasks_ran_first() {
    // [87]
    let (near, far) = pipe();
    comes_in_time(near, far, async {
        for _ in 0..OTHERS {
            tokio::spawn(yield_now());
        }
        advance(RequestLimits::default().response).await;
    })
    .await;
}

/// The answer is sent, then `meanwhile` the deadline passes, and only then the client looks again.
async fn comes_in_time(near: impl Io, far: DuplexStream, meanwhile: impl Future<Output = ()>) {
    let (connector, route) = (connector(), route());
    let script = async {
        let mut raw = scripted_server(far).await;
        let stream = raw.connect().await;
        raw.send([Frame::headers(stream, &OK)]).await;
        meanwhile.await;
        raw
    };
    let (outcome, mut raw) = tokio::join!(soon(connector.connect_over(near, &route)), script);
    let mut tunnel = outcome.expect("the answer was there");
    raw.send([Frame::last_data(1, "in time")]).await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"in time");
}

/// What is between the socket and whoever waits takes many turns: it has another thread, which is no faster.
async fn slowly(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut part = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut part).await {
        for _ in 0..OTHERS {
            yield_now().await;
        }
        if to.write_all(&part[..read]).await.is_err() {
            return;
        }
    }
}

/// A pipe whose bytes towards `near` come slowly.
fn slow_pipe() -> (impl Io, DuplexStream) {
    let ((near, inner), (outer, far)) = (pipe(), pipe());
    let (inner_reads, inner_writes) = split(inner);
    let (outer_reads, outer_writes) = split(outer);
    tokio::spawn(slowly(outer_reads, inner_writes));
    tokio::spawn(slowly(inner_reads, outer_writes));
    (near, far)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_another_thread_still_carries_when_we_wake_up_is_not_too_late() {
    // [87]
    let (near, far) = slow_pipe();
    let stopped = advance(RequestLimits::default().response + STOPPED);
    comes_in_time(near, far, stopped).await;
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_another_thread_still_carries_when_we_wake_up_is_a_sign_of_life() {
    // [130]
    let (near, far) = slow_pipe();
    let (connector, route) = (connector(), route());
    let script = async {
        let mut raw = scripted_server(far).await;
        let stream = raw.connect().await;
        raw.send([Frame::headers(stream, &OK)]).await;
        let ping = a_ping(&mut raw).await;
        advance(KeepaliveConfig::default().timeout + STOPPED).await;
        raw.send([
            Frame::new(PING, ACK, 0, ping.payload),
            Frame::last_data(stream, "alive"),
        ])
        .await;
        raw
    };
    let reading = async {
        let connecting = soon(connector.connect_over(near, &route)).await;
        read_all(&mut connecting.expect("a tunnel")).await
    };
    let (read, _raw) = tokio::join!(reading, script);
    assert_eq!(read.expect("a peer that lives"), b"alive");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_given_up_soon_after_we_wake_up() {
    // [87]
    let (near, far) = pipe();
    let (connector, route) = (connector(), route());
    let script = async {
        let mut raw = scripted_server(far).await;
        raw.connect().await;
        advance(RequestLimits::default().response + STOPPED).await;
        (raw, Instant::now())
    };
    let (outcome, (_raw, woken)) = tokio::join!(soon(connector.connect_over(near, &route)), script);
    outcome.expect_err("no answer");
    assert!(woken.elapsed() <= Duration::from_secs(1));
}

async fn a_ping(raw: &mut Raw) -> Frame {
    loop {
        let frame = raw.any_frame().await.expect("a client");
        if frame.kind == PING && !frame.has(ACK) {
            return frame;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_waits_in_the_tunnel_below_is_a_sign_of_life() {
    // [130]
    for place in [Place::Single, Place::Inner] {
        let connector = connector();
        let dialling = place.dial(&connector, async |io| {
            let mut raw = scripted_server(io).await;
            let stream = raw.connect().await;
            raw.send([Frame::headers(stream, &OK)]).await;
            let ping = a_ping(&mut raw).await;
            advance(KeepaliveConfig::default().timeout).await;
            raw.send([
                Frame::new(PING, ACK, 0, ping.payload),
                Frame::last_data(stream, "alive"),
            ])
            .await;
            raw.drain().await;
        });
        let mut tunnel = soon(dialling).await.expect("a tunnel");
        let mut word = String::new();
        let read = soon(tunnel.read_to_string(&mut word)).await;
        assert_eq!((read.ok(), &*word), (Some(5), "alive"), "{place:?}");
    }
}
