//! The accept loop: caps, want of descriptors, and the end of it all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hbone::policy::DestinationPolicy;
use hbone::{Accept, Cut, DrainConfig, Reason, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_hbone::tls::ClientTls;
use tokio_hbone::{
    Acceptor, ConnectionConfig, Connector, Event, Handler, Incoming, Relay, Server, ServerConfig,
    ServerCounts, ServerHandle, Tunnel,
};

use crate::pipes::{ADDRESSES, Door, Pipes, pipes};
use crate::service::Scripted;
use crate::support::ends::{
    acceptor, client_tls, connector, identity, read_all, route, tunnel_error,
};
use crate::support::pki::{CLIENT, MALLORY, mesh_bundle, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;
use crate::support::soon;

/// Sends everything back.
pub(crate) struct Echo;

impl Handler for Echo {
    async fn handle(&self, incoming: Incoming) {
        assert_eq!(incoming.addresses(), Some(ADDRESSES));
        let Ok(mut tunnel) = incoming.accept(&Accept::default()) else {
            return;
        };
        while let Ok(Some(chunk)) = tunnel.read_chunk().await {
            if tunnel.write_chunk(chunk).await.is_err() {
                return;
            }
        }
        let _ = tunnel.shutdown().await;
    }
}

pub(crate) struct Running {
    pub(crate) door: Door,
    pub(crate) handle: ServerHandle,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) fn run(acceptor: Acceptor, config: ServerConfig) -> Running {
    let (door, listener) = pipes();
    run_on(door, listener, acceptor, config)
}

fn run_on(door: Door, listener: Pipes, acceptor: Acceptor, config: ServerConfig) -> Running {
    let server = Server::with_config(acceptor, Echo, config);
    Running {
        door,
        handle: server.handle(),
        task: tokio::spawn(server.run(listener)),
    }
}

async fn tunnel(running: &Running, tls: ClientTls) -> Tunnel {
    let connecting = Connector::new(tls)
        .connect_over(running.door.knock(), &route())
        .await;
    connecting.expect("a tunnel")
}

pub(crate) async fn good_tunnel(running: &Running) -> Tunnel {
    let opened = connector()
        .connect_over(running.door.knock(), &route())
        .await;
    opened.expect("a tunnel")
}

async fn echoes(tunnel: &mut Tunnel) {
    tunnel.write_all(b"hello").await.expect("room");
    let mut back = [0; 5];
    soon(tunnel.read_exact(&mut back)).await.expect("an echo");
    assert_eq!(&back, b"hello");
}

async fn is_closed(mut io: DuplexStream) {
    let mut all = Vec::new();
    let _ = soon(io.read_to_end(&mut all)).await;
}

async fn until(running: &Running, so: impl Fn(ServerCounts) -> bool) {
    let counted = async {
        while !so(running.handle.counts()) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    soon(counted).await;
}

#[tokio::test(start_paused = true)]
async fn want_of_descriptors_pauses_accepting_and_harms_no_tunnel() {
    // [127]
    const EMFILE: i32 = 24;
    let (door, listener) = pipes();
    let asked = Arc::clone(&listener.asked);
    let service = Scripted::new(DestinationPolicy::default());
    let server = Server::new(acceptor(), Relay::new(service.clone()));
    tokio::spawn(server.run(listener));
    let _first = Raw::client(door.knock(), &ScriptTls::new(workload(CLIENT)), &[]).await;
    for _ in 0..30 {
        door.fail(EMFILE);
    }
    let _second = Raw::client(door.knock(), &ScriptTls::new(workload(CLIENT)), &[]).await;
    assert_eq!(service.with(|notes| notes.accept_failures), 30);
    let asked = asked.lock().expect("no panic").clone();
    for second in asked.windows(12) {
        assert!(
            second[11] - second[0] >= Duration::from_secs(1),
            "more than ten tries a second"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_without_end_is_one() {
    let (door, listener) = pipes();
    let mut config = ServerConfig::default();
    config.accept_pause = Duration::MAX;
    door.fail(24);
    door.fail(24);
    let running = run_on(door, listener, acceptor(), config);
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(running.handle.stats().accepts_failed, 1);
}

#[tokio::test(start_paused = true)]
async fn tunnels_live_on_while_accepting_fails() {
    // [127]
    let running = run(acceptor(), ServerConfig::default());
    let mut tunnel = good_tunnel(&running).await;
    for _ in 0..10 {
        running.door.fail(24);
        echoes(&mut tunnel).await;
    }
    let mut another = good_tunnel(&running).await;
    echoes(&mut another).await;
    assert_eq!(running.handle.stats().accepts_failed, 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_was_gone_before_it_was_accepted_causes_no_pause() {
    const ECONNABORTED: i32 = 103;
    let (door, listener) = pipes();
    let asked = Arc::clone(&listener.asked);
    for _ in 0..100 {
        door.fail(ECONNABORTED);
    }
    let running = run_on(door, listener, acceptor(), ServerConfig::default());
    good_tunnel(&running).await;
    let asked = asked.lock().expect("no panic").clone();
    assert_eq!(asked[0], asked[100]);
}

#[tokio::test(start_paused = true)]
async fn past_the_cap_connections_are_closed_as_they_come() {
    // [128]
    let mut config = ServerConfig::default();
    config.max_connections = 2;
    let from = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&from);
    let observer = move |event: &Event| match event {
        Event::HandshakeBegan { connection } => {
            told.lock().expect("no panic").push(connection.address)
        }
        Event::TurnedAway { address } => told.lock().expect("no panic").push(Some(*address)),
        _ => {}
    };
    let running = run(acceptor().with_observer(observer), config);
    let mut first = good_tunnel(&running).await;
    let second = good_tunnel(&running).await;
    is_closed(running.door.knock()).await;
    echoes(&mut first).await;
    assert_eq!(*from.lock().expect("no panic"), [Some(ADDRESSES.client); 3]);
    assert_eq!(running.handle.stats().turned_away, 1);
    drop(second);
    until(&running, |counts| counts.sockets == 1).await;
    echoes(&mut good_tunnel(&running).await).await;
}

#[tokio::test(start_paused = true)]
async fn one_identity_cannot_have_all_connections() {
    let mut config = ServerConfig::default();
    config.max_connections_per_peer = 1;
    let running = run(acceptor(), config);
    let _first = good_tunnel(&running).await;
    let tls = ScriptTls::new(workload(CLIENT));
    let mut second = Raw::client(running.door.knock(), &tls, &[]).await;
    assert_eq!(second.go_away().await, Reason::ENHANCE_YOUR_CALM.to_wire());
    assert_eq!(running.handle.stats().turned_away, 1);
    let mallory = client_tls(&workload(MALLORY), mesh_bundle());
    echoes(&mut tunnel(&running, mallory).await).await;
}

#[tokio::test(start_paused = true)]
async fn two_thousand_silent_clients_do_not_keep_out_a_good_one() {
    // [1]
    let running = run(acceptor(), ServerConfig::default());
    let silent: Vec<_> = (0..2_000).map(|_| running.door.knock()).collect();
    let mut good = good_tunnel(&running).await;
    echoes(&mut good).await;
    for io in silent {
        is_closed(io).await;
    }
    echoes(&mut good).await;
    let counts = running.handle.counts();
    assert_eq!((counts.sockets, counts.handshakes), (1, 0));
    let stats = running.handle.stats();
    let never_came = stats.handshakes_failed + stats.handshakes_abandoned;
    assert_eq!((stats.handshakes, never_came), (1, 2_000));
    // As many as there was no room for.
    assert_eq!(stats.handshakes_abandoned, stats.turned_away);
}

#[tokio::test(start_paused = true)]
async fn the_oldest_unfinished_handshake_makes_room() {
    let mut config = ServerConfig::default();
    config.max_handshakes = 2;
    let running = run(acceptor(), config);
    let (oldest, mut older) = (running.door.knock(), running.door.knock());
    until(&running, |counts| counts.handshakes == 2).await;
    let _newest = running.door.knock();
    let began = tokio::time::Instant::now();
    is_closed(oldest).await;
    let closed = timeout(Duration::from_secs(1), older.read(&mut [0])).await;
    assert!(closed.is_err(), "there was room for two");
    assert!(began.elapsed() <= Duration::from_secs(2));
    assert_eq!(running.handle.counts().handshakes, 2);
    let stats = running.handle.stats();
    assert_eq!((stats.handshaking, stats.handshakes_abandoned), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn one_peer_can_be_cut_off_and_others_live_on() {
    let running = run(acceptor(), ServerConfig::default());
    let mut good = good_tunnel(&running).await;
    let mallory = client_tls(&workload(MALLORY), mesh_bundle());
    let mut bad = tunnel(&running, mallory).await;
    echoes(&mut bad).await;
    running.handle.cut_peer(&identity(MALLORY), Cut::Revoked);
    let error = read_all(&mut bad).await.expect_err("it was cut");
    assert_eq!(
        tunnel_error(&error),
        TunnelError::Reset(Reason::CONNECT_ERROR)
    );
    echoes(&mut good).await;
    running.handle.cut_all(Cut::Revoked);
    read_all(&mut good).await.expect_err("it was cut");
    until(&running, |counts| counts == ServerCounts::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_drained_server_ends_when_its_tunnels_have_and_leaves_nothing() {
    // [133]
    let running = run(acceptor(), ServerConfig::default());
    let mut tunnels = Vec::new();
    for _ in 0..5 {
        tunnels.push(good_tunnel(&running).await);
    }
    let silent = running.door.knock();
    until(&running, |counts| counts.handshakes == 1).await;
    running.handle.drain();
    // Who has not shaken hands yet has nothing to lose, and was not sent away for want of room.
    is_closed(silent).await;
    let stats = running.handle.stats();
    assert_eq!((stats.handshakes_abandoned, stats.turned_away), (1, 0));
    for mut tunnel in tunnels {
        echoes(&mut tunnel).await;
        tunnel.shutdown().await.expect("an end");
        assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"");
    }
    soon(running.task).await.expect("no panic");
    assert_eq!(running.handle.counts(), ServerCounts::default());
}

#[tokio::test(start_paused = true)]
async fn a_server_is_gone_soon_after_its_drain_deadline() {
    // [134]
    let mut connection = ConnectionConfig::default();
    connection.drain = DrainConfig::default();
    connection.drain.deadline = Duration::from_secs(1);
    let running = run(
        acceptor().with_connection(connection),
        ServerConfig::default(),
    );
    let mut tunnel = good_tunnel(&running).await;
    let began = tokio::time::Instant::now();
    running.handle.drain();
    soon(running.task).await.expect("no panic");
    assert!(began.elapsed() <= Duration::from_millis(1200));
    read_all(&mut tunnel).await.expect_err("it was cut");
    assert_eq!(running.handle.counts(), ServerCounts::default());
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_ends_a_server_at_once() {
    // [137]
    let running = run(acceptor(), ServerConfig::default());
    let mut tunnel = good_tunnel(&running).await;
    running.handle.drain();
    echoes(&mut tunnel).await;
    let began = tokio::time::Instant::now();
    running.handle.drain();
    soon(running.task).await.expect("no panic");
    assert!(began.elapsed() <= Duration::from_millis(200));
    assert_eq!(running.handle.counts(), ServerCounts::default());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dropped_leaves_no_task() {
    // [137]
    let running = run(acceptor(), ServerConfig::default());
    let mut tunnel = good_tunnel(&running).await;
    echoes(&mut tunnel).await;
    running.task.abort();
    until(&running, |counts| counts == ServerCounts::default()).await;
    read_all(&mut tunnel).await.expect_err("the server is gone");
}
