//! How a server's connection ends when it is asked to.

use hbone::{LateStreams, Reason};
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio_hbone::{ConnectionConfig, Tunnel};

use crate::support::ends::{CONNECT, acceptor, read_all};
use crate::support::frame::{ACK, Frame, GOAWAY, HEADERS, PING};
use crate::support::io::pipe;
use crate::support::pki::{CLIENT, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn a_drain_says_so_twice_and_lets_what_is_open_end() {
    // [133]
    let Draining {
        mut raw,
        mut tunnels,
        begin,
        mut over,
    } = Draining::with_tunnels(50).await;
    begin.send(()).expect("a server");

    // First GOAWAY for every stream, and a PING to know when the client has seen it (RFC 9113 section 6.8).
    let first = next_of(&mut raw, GOAWAY).await;
    assert_eq!((first.last_stream(), first.reason()), ((1 << 31) - 1, 0));
    let ping = next_of(&mut raw, PING).await;
    // A CONNECT that crosses it on the way is served too, as this server is told to.
    raw.send([
        Frame::headers(101, &CONNECT),
        Frame::new(PING, ACK, 0, ping.payload),
    ])
    .await;
    let last = next_of(&mut raw, GOAWAY).await;
    assert_eq!((last.last_stream(), last.reason()), (101, 0));
    tunnels.push(soon(over.tunnels.recv()).await.expect("the late one"));
    raw.expect(HEADERS).await;

    for (at, mut tunnel) in tunnels.drain(..).enumerate() {
        let stream = 1 + 2 * at as u32;
        raw.send([Frame::last_data(stream, "and out")]).await;
        assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"and out");
        tunnel.write_all(b"bye").await.expect("a peer");
        tunnel.shutdown().await.expect("a peer");
        assert_eq!(raw.bytes_of(stream).await, b"bye");
    }
    // The last tunnel has ended, and so has the connection.
    assert_eq!(raw.any_frame().await, None);
    soon(over.ended).await.expect("the server has ended");
}

#[tokio::test(start_paused = true)]
async fn a_drain_without_tunnels_ends_at_once() {
    // [133]
    let mut draining = Draining::with_tunnels(0).await;
    draining.begin.send(()).expect("a server");
    let first = next_of(&mut draining.raw, GOAWAY).await;
    assert_eq!(first.reason(), Reason::NO_ERROR.to_wire());
    let ping = next_of(&mut draining.raw, PING).await;
    let pong = Frame::new(PING, ACK, 0, ping.payload);
    draining.raw.send([pong]).await;
    draining.raw.drain().await;
    soon(draining.over.ended)
        .await
        .expect("the server has ended");
}

#[tokio::test(start_paused = true)]
async fn a_connect_behind_the_last_goaway_is_never_served() {
    // [135]
    let mut draining = Draining::with_tunnels(1).await;
    draining.begin.send(()).expect("a server");
    let ping = next_of(&mut draining.raw, PING).await;
    let pong = Frame::new(PING, ACK, 0, ping.payload);
    draining.raw.send([pong]).await;
    let last = next_of(&mut draining.raw, GOAWAY).await;
    assert_eq!(last.last_stream(), 1);
    // RFC 9113 section 6.8: it is as if it had never been sent, and so it may be repeated elsewhere.
    draining.raw.send([Frame::headers(3, &CONNECT)]).await;
    let frames = draining.raw.until_quiet().await;
    let answers = frames.iter().filter(|frame| frame.kind == HEADERS);
    assert_eq!(answers.count(), 0);
    assert!(draining.over.tunnels.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_dropped_in_mid_drain_leaves_nothing_behind() {
    // [137]
    let mut draining = Draining::with_tunnels(1).await;
    draining.begin.send(()).expect("a server");
    next_of(&mut draining.raw, GOAWAY).await;
    draining.over.task.abort();
    draining.raw.drain().await;
    let mut tunnel = draining.tunnels.pop().expect("one");
    read_all(&mut tunnel).await.expect_err("no end of file");
}

/// A server that can be told to drain, and its scripted client with some tunnels.
struct Draining {
    raw: Raw,
    tunnels: Vec<Tunnel>,
    begin: oneshot::Sender<()>,
    over: Over,
}

struct Over {
    tunnels: mpsc::Receiver<Tunnel>,
    ended: oneshot::Receiver<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Draining {
    async fn with_tunnels(count: u32) -> Self {
        let (near, far) = pipe();
        let (begin, mut begun) = oneshot::channel();
        let (give, mut take) = mpsc::channel(100);
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut config = ConnectionConfig::default();
            config.drain.late = LateStreams::Serve;
            let acceptor = acceptor().with_connection(config);
            let mut connection = acceptor.accept(far).await.expect("a client");
            let mut draining = false;
            loop {
                tokio::select! {
                    incoming = connection.next() => {
                        let Some(incoming) = incoming else { break };
                        let tunnel = incoming.accept(&hbone::Accept::default());
                        give.send(tunnel.expect("a client")).await.expect("a test");
                    }
                    _ = &mut begun, if !draining => {
                        draining = true;
                        connection.drain();
                    }
                }
            }
            let _ = end.send(());
        });
        let tls = ScriptTls::new(workload(CLIENT));
        let mut raw = Raw::client(near, &tls, &[]).await;
        let mut tunnels = Vec::new();
        for at in 0..count {
            raw.send([Frame::headers(1 + 2 * at, &CONNECT)]).await;
            tunnels.push(soon(take.recv()).await.expect("a tunnel"));
            raw.expect(HEADERS).await;
        }
        let over = Over {
            tunnels: take,
            ended,
            task,
        };
        Self {
            raw,
            tunnels,
            begin,
            over,
        }
    }
}

async fn next_of(raw: &mut Raw, kind: u8) -> Frame {
    loop {
        let frame = raw.any_frame().await.expect("a connection");
        if frame.kind == kind && !frame.has(ACK) {
            return frame;
        }
    }
}
