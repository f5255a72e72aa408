//! What comes in the middle of a drain.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hbone::{Accept, Cut, DrainEnd, KeepaliveConfig, Loss, Reason, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio_hbone::{ConnectionConfig, ServerConfig, ServerCounts, ServerHandle, Tunnel};

use crate::accepting::{good_tunnel, run};
use crate::driven::{Driven, next_of, open, pong, script_to_driven};
use crate::support::ends::{CONNECT, acceptor, connector, identity, read_all, route, tunnel_error};
use crate::support::frame::{ACK, DATA, Frame, GOAWAY, PING};
use crate::support::ordering_io::OrderingIo;
use crate::support::pki::{CLIENT, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;
use crate::support::{soon, tasks, tasks_end};

const SECOND: Duration = Duration::from_secs(1);

/// How far the drain has come when it happens.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The order is given, and not yet carried out.
    Ordered,
    /// The first GOAWAY is out.
    Announced,
    /// Both are.
    Waiting,
}

const PHASES: [Phase; 3] = [Phase::Ordered, Phase::Announced, Phase::Waiting];

/// A connection with so many tunnels, this far in its drain.
async fn draining(phase: Phase, tunnels: u32) -> (Raw, Driven, Vec<Tunnel>) {
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    let tunnels = open(&mut raw, &mut driven, tunnels).await;
    driven.handle.drain();
    if !matches!(phase, Phase::Ordered) {
        next_of(&mut raw, GOAWAY).await;
    }
    if let Phase::Waiting = phase {
        let ping = next_of(&mut raw, PING).await;
        pong(&mut raw, ping).await;
        next_of(&mut raw, GOAWAY).await;
    }
    (raw, driven, tunnels)
}

/// Lets the connection end as it likes: reads what it says, payload and all, and answers its PING.
async fn to_its_end(raw: &mut Raw) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(frame) = raw.any_frame().await {
        if frame.kind == DATA {
            all.extend_from_slice(&frame.payload);
        }
        if frame.kind == PING && !frame.has(ACK) {
            pong(raw, frame).await;
        }
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_reset_during_a_drain_ends_one_tunnel_and_the_last_one_the_drain() {
    for phase in PHASES {
        for reason in [Reason::CANCEL, Reason::NO_ERROR, Reason::CONNECT_ERROR] {
            let (mut raw, driven, tunnels) = draining(phase, 2).await;
            raw.send([Frame::reset(1, reason.to_wire())]).await;
            let [mut first, mut second] = <[Tunnel; 2]>::try_from(tunnels).expect("two");
            let error = read_all(&mut first).await.expect_err("a reset");
            assert_eq!(
                tunnel_error(&error),
                TunnelError::Reset(reason),
                "{phase:?}"
            );
            raw.send([Frame::data(3, "x")]).await;
            soon(second.read_exact(&mut [0])).await.expect("a byte");
            raw.send([Frame::reset(3, reason.to_wire())]).await;
            drop((first, second));
            to_its_end(&mut raw).await;
            assert_eq!(driven.end().await, Some(DrainEnd::Clean), "{phase:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_goaway_of_the_client_during_a_drain_harms_no_tunnel() {
    for phase in PHASES {
        for last in [0, (1 << 31) - 1] {
            let (mut raw, driven, mut tunnels) = draining(phase, 1).await;
            raw.send([Frame::go_away(last, 0), Frame::last_data(1, "question")])
                .await;
            let mut tunnel = tunnels.remove(0);
            let all = read_all(&mut tunnel).await.expect("all of it");
            assert_eq!(all, b"question", "{phase:?}, {last}");
            tunnel.write_all(b"answer").await.expect("room");
            tunnel.shutdown().await.expect("an end");
            drop(tunnel);
            let answer = to_its_end(&mut raw).await;
            assert_eq!(answer, b"answer", "{phase:?}, {last}");
            assert_eq!(
                driven.end().await,
                Some(DrainEnd::Clean),
                "{phase:?}, {last}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn halves_end_during_a_drain_in_either_order() {
    for phase in PHASES {
        for is_ours_first in [false, true] {
            let (mut raw, driven, mut tunnels) = draining(phase, 1).await;
            let mut tunnel = tunnels.remove(0);
            if is_ours_first {
                tunnel.shutdown().await.expect("an end");
                raw.send([Frame::last_data(1, "word")]).await;
                assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"word");
            } else {
                raw.send([Frame::last_data(1, "word")]).await;
                assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"word");
                tunnel.shutdown().await.expect("an end");
            }
            to_its_end(&mut raw).await;
            assert_eq!(driven.end().await, Some(DrainEnd::Clean), "{phase:?}");
            // Whoever keeps a tunnel that is over keeps nobody.
            drop(tunnel);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_during_a_drain_says_why_and_whichever_is_first_counts() {
    for phase in PHASES {
        for orders in ["cut", "cut, drain", "drain, cut", "drain, drain, cut"] {
            let (mut raw, driven, mut tunnels) = draining(phase, 1).await;
            for order in orders.split(", ") {
                match order {
                    "cut" => driven.handle.cut(Cut::Revoked),
                    _ => driven.handle.drain(),
                }
            }
            let error = read_all(&mut tunnels[0]).await.expect_err("a cut");
            let TunnelError::Cut(_) = tunnel_error(&error) else {
                panic!("{phase:?}, {orders}: {error:?}");
            };
            assert_eq!(raw.reset_of(1).await, Reason::CONNECT_ERROR.to_wire());
            to_its_end(&mut raw).await;
            let end = driven.end().await;
            let expected = match (phase, orders) {
                // Nobody has asked twice, and no tunnel came to its own end.
                (_, "cut") => DrainEnd::Lost,
                _ => DrainEnd::Interrupted { streams: 1 },
            };
            assert_eq!(end, Some(expected), "{phase:?}, {orders}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_not_answered_yet_is_answered_during_a_drain() {
    let (mut raw, mut driven) = script_to_driven(ConnectionConfig::default()).await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let incoming = driven.next().await;
    driven.handle.drain();
    next_of(&mut raw, GOAWAY).await;
    let mut tunnel = incoming.accept(&Accept::default()).expect("a client");
    tunnel.write_all(b"word").await.expect("room");
    tunnel.shutdown().await.expect("an end");
    raw.send([Frame::last_data(1, "")]).await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"");
    to_its_end(&mut raw).await;
    assert_eq!(driven.end().await, Some(DrainEnd::Clean));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_resets_during_a_drain_ends_it() {
    let mut config = ConnectionConfig::default();
    config.reset_burst = 10;
    config.resets_per_second = 0;
    let (mut raw, mut driven) = script_to_driven(config).await;
    let mut tunnels = open(&mut raw, &mut driven, 1).await;
    driven.handle.drain();
    next_of(&mut raw, GOAWAY).await;
    for stream in (3..200).step_by(2) {
        raw.send([
            Frame::headers(stream, &CONNECT),
            Frame::reset(stream, Reason::CANCEL.to_wire()),
        ])
        .await;
    }
    assert_eq!(raw.go_away().await, Reason::ENHANCE_YOUR_CALM.to_wire());
    read_all(&mut tunnels[0]).await.expect_err("it is closed");
    assert_eq!(driven.end().await, Some(DrainEnd::Lost));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_given_up_during_a_drain_has_not_drained() {
    let mut config = ConnectionConfig::default();
    config.keepalive = Some(KeepaliveConfig::new(SECOND, SECOND));
    config.drain.deadline = 100 * SECOND;
    let (raw, driven) = {
        let (mut raw, mut driven) = script_to_driven(config).await;
        let mut tunnels = open(&mut raw, &mut driven, 1).await;
        driven.handle.drain();
        // It answers no PING any more.
        let error = read_all(&mut tunnels[0]).await.expect_err("a loss");
        assert_eq!(tunnel_error(&error), TunnelError::Lost(Loss::Unanswered));
        (raw, driven)
    };
    assert_eq!(driven.end().await, Some(DrainEnd::Lost));
    drop(raw);
}

/// What is ordered in the middle of handshakes.
const ORDERS: [fn(&ServerHandle); 4] = [
    |handle| handle.drain(),
    |handle| {
        handle.drain();
        handle.drain();
    },
    |handle| {
        handle.drain();
        handle.cut_all(Cut::Revoked);
    },
    |handle| {
        handle.cut_peer(&identity(CLIENT), Cut::Revoked);
        handle.drain();
    },
];

#[tokio::test(start_paused = true)]
async fn a_server_drained_at_any_point_of_two_handshakes_ends_and_leaves_nothing() {
    for order in ORDERS {
        let mut call = 0;
        while drained_at(call, order).await {
            call += 1;
        }
        assert!(call > 20, "there is more to a handshake");
    }
}

/// Two clients at once, and the order at this call of an IO of theirs; whether it came to that.
async fn drained_at(call: usize, order: fn(&ServerHandle)) -> bool {
    let before = tasks();
    let running = run(acceptor(), ServerConfig::default());
    let left = Arc::new(AtomicUsize::new(call + 1));
    let mut clients = JoinSet::new();
    for _ in 0..2 {
        let (handle, left) = (running.handle.clone(), Arc::clone(&left));
        let io = OrderingIo::new(running.door.knock(), move || {
            if left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)) == Ok(1) {
                order(&handle);
            }
        });
        clients.spawn(async move {
            let Ok(mut tunnel) = soon(connector().connect_over(io, &route())).await else {
                return;
            };
            let _ = tunnel.write_all(b"word").await;
            let _ = tunnel.shutdown().await;
            let _ = read_all(&mut tunnel).await;
        });
    }
    while let Some(client) = clients.join_next().await {
        client.expect("no panic");
    }
    let came_to_it = left.load(Relaxed) == 0;
    if !came_to_it {
        running.handle.drain();
    }
    soon(running.task).await.expect("no panic");
    assert_eq!(running.handle.counts(), ServerCounts::default(), "{call}");
    drop(running.door);
    tasks_end(before).await;
    came_to_it
}

#[tokio::test(start_paused = true)]
async fn one_who_is_turned_away_during_a_drain_is_told_so() {
    let mut config = ServerConfig::default();
    config.max_connections_per_peer = 1;
    let running = run(acceptor(), config);
    let _first = good_tunnel(&running).await;
    let tls = ScriptTls::new(workload(CLIENT));
    let mut second = Raw::client(running.door.knock(), &tls, &[]).await;
    running.handle.drain();
    running.handle.drain();
    assert_eq!(second.go_away().await, Reason::ENHANCE_YOUR_CALM.to_wire());
    soon(running.task).await.expect("no panic");
    assert_eq!(running.handle.counts(), ServerCounts::default());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_stopped_past_its_drain_deadline_still_says_that_it_cuts() {
    let running = run(acceptor(), ServerConfig::default());
    let mut tunnels = Vec::new();
    for _ in 0..20 {
        tunnels.push(good_tunnel(&running).await);
    }
    running.handle.drain();
    tokio::time::sleep(SECOND).await;
    tokio::time::advance(100 * SECOND).await;
    for mut tunnel in tunnels {
        let error = read_all(&mut tunnel).await.expect_err("it is cut");
        let cut = TunnelError::Reset(Reason::CONNECT_ERROR);
        assert_eq!(tunnel_error(&error), cut);
    }
    let woken = tokio::time::Instant::now();
    soon(running.task).await.expect("no panic");
    assert!(woken.elapsed() <= SECOND);
}
