//! What a client can send too much of.

use std::time::Duration;

use hbone::{Loss, Reason, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_hbone::{ConnectionConfig, Http2Config};

use crate::driven::{Driven, open, script_to, script_to_driven};
use crate::support::ends::{CONNECT, acceptor, read_all, tunnel_error};
use crate::support::frame::{END_STREAM, Frame, HEADERS};
use crate::support::soon;

const CALM: u32 = Reason::ENHANCE_YOUR_CALM.to_wire();
const CANCEL: u32 = Reason::CANCEL.to_wire();

#[tokio::test(start_paused = true)]
async fn ten_thousand_connects_taken_back_at_once_close_the_connection() {
    // [28]
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let mut handlers = JoinSet::new();
    let mut most = 0;
    let flood = async {
        for stream in (1..).step_by(2).take(10_000) {
            raw.send([
                Frame::headers(stream, &CONNECT),
                Frame::reset(stream, CANCEL),
            ])
            .await;
        }
        raw.go_away().await
    };
    let serve = async {
        while let Some(incoming) = driven.incoming.recv().await {
            handlers.spawn(async move { incoming.given_up().await });
            while handlers.try_join_next().is_some() {}
            most = most.max(handlers.len());
        }
    };
    let (reason, ()) = tokio::join!(flood, serve);
    assert_eq!(reason, CALM);
    assert!(most <= 220, "{most} handlers at once");
    while soon(handlers.join_next()).await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn connects_taken_back_after_they_were_accepted_count_too() {
    // [28] Nobody's queue is ever full: each CONNECT has its handler before it is taken back.
    let mut config = ConnectionConfig::default();
    config.reset_burst = 100;
    config.resets_per_second = 0;
    let (mut raw, mut driven) = script_to_driven(config).await;
    let mut tunnel = open(&mut raw, &mut driven, 1).await.remove(0);
    for stream in (3..).step_by(2).take(100) {
        take_back(&mut raw, &mut driven, stream).await;
    }
    // That was the burst, and the connection still works.
    raw.send([Frame::data(1, "x")]).await;
    soon(tunnel.read_exact(&mut [0])).await.expect("a byte");
    take_back(&mut raw, &mut driven, 203).await;
    assert_eq!(raw.go_away().await, CALM);
    let error = read_all(&mut tunnel).await.expect_err("all is over");
    let calm = Loss::Protocol(Reason::ENHANCE_YOUR_CALM);
    assert_eq!(tunnel_error(&error), TunnelError::Lost(calm));
}

#[tokio::test(start_paused = true)]
async fn handlers_that_do_not_notice_a_reset_are_not_joined_by_more_and_more() {
    // [28]
    let mut http2 = Http2Config::server();
    http2.concurrent_streams = 2;
    let (mut raw, mut driven) = script_to(acceptor().with_http2(http2)).await;
    let mut deaf = Vec::new();
    for stream in (1..).step_by(2).take(22) {
        raw.send([Frame::headers(stream, &CONNECT)]).await;
        deaf.push(driven.next().await);
        raw.send([Frame::reset(stream, CANCEL)]).await;
        let taken_back = deaf.last().expect("one").given_up();
        soon(taken_back).await;
    }
    raw.send([Frame::headers(45, &CONNECT)]).await;
    let early = timeout(Duration::from_secs(1), driven.incoming.recv()).await;
    assert!(early.is_err(), "one handler too many");
    deaf.pop();
    driven.next().await;
}

#[tokio::test(start_paused = true)]
async fn connects_taken_back_before_anybody_saw_them_count_and_reach_no_handler() {
    // [28] A few at a time, so that h2 never has many of them in its queue.
    let mut config = ConnectionConfig::default();
    config.reset_burst = 100;
    config.resets_per_second = 0;
    let (mut raw, mut driven) = script_to_driven(config).await;
    for stream in (1..).step_by(2).take(100) {
        let both = [
            Frame::headers(stream, &CONNECT),
            Frame::reset(stream, CANCEL),
        ];
        raw.send(both).await;
        tokio::task::yield_now().await;
    }
    raw.until_quiet().await;
    let both = [Frame::headers(201, &CONNECT), Frame::reset(201, CANCEL)];
    raw.send(both).await;
    assert_eq!(raw.go_away().await, CALM);
    assert!(driven.incoming.recv().await.is_none());
}

async fn take_back(raw: &mut crate::support::raw::Raw, driven: &mut Driven, stream: u32) {
    raw.send([Frame::headers(stream, &CONNECT)]).await;
    let incoming = driven.next().await;
    raw.send([Frame::reset(stream, CANCEL)]).await;
    soon(incoming.given_up()).await;
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_is_reset_after_its_answer_is_no_flood() {
    let mut config = ConnectionConfig::default();
    config.reset_burst = 3;
    config.resets_per_second = 0;
    let (mut raw, mut driven) = script_to_driven(config).await;
    for stream in (1..).step_by(2).take(50) {
        raw.send([Frame::headers(stream, &CONNECT)]).await;
        let mut tunnel = driven
            .next()
            .await
            .accept(&hbone::Accept::default())
            .expect("a client");
        raw.expect(HEADERS).await;
        raw.send([Frame::reset(stream, CANCEL)]).await;
        read_all(&mut tunnel).await.expect_err("a reset");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_with_too_many_fields_is_answered_431() {
    // [35]
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let with = |fields: usize| {
        let mut head = CONNECT.to_vec();
        head.resize(CONNECT.len() + fields, ("a", ""));
        head
    };
    raw.send([Frame::headers(1, &with(101))]).await;
    let answer = raw.expect(HEADERS).await;
    assert_eq!((raw.status(&answer), answer.has(END_STREAM)), (431, true));
    raw.send([Frame::headers(3, &with(100))]).await;
    driven.next().await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_tunnel_with_a_chatty_client_does_no_harm_to_its_siblings() {
    // [43]
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let mut tunnels = open(&mut raw, &mut driven, 2).await;
    let (mut busy, mut paused) = (tunnels.remove(1), tunnels.remove(0));
    for n in 0..5_000_u32 {
        raw.send([Frame::data(1, vec![(n % 251) as u8])]).await;
        if n % 500 == 0 {
            raw.send([Frame::data(3, "ping")]).await;
            soon(busy.read_exact(&mut [0; 4])).await.expect("a sibling");
            busy.write_all(b"pong").await.expect("room");
            soon(busy.flush()).await.expect("room");
        }
    }
    raw.send([Frame::last_data(1, "")]).await;
    let all = read_all(&mut paused).await.expect("all of it");
    assert!((0..5_000_u32).map(|n| (n % 251) as u8).eq(all));
}
