//! A connection of ours that is driven in a task of its own, and the scripted client at its other end.

use hbone::DrainEnd;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_hbone::{Acceptor, ConnectionConfig, ConnectionHandle, Incoming, Tunnel};

use crate::support::ends::{CONNECT, accept_next, acceptor};
use crate::support::frame::{Frame, HEADERS, PING};
use crate::support::io::pipe;
use crate::support::pki::{CLIENT, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;
use crate::support::soon;

pub(crate) struct Driven {
    pub(crate) handle: ConnectionHandle,
    pub(crate) incoming: mpsc::Receiver<Incoming>,
    end: JoinHandle<Option<DrainEnd>>,
}

impl Driven {
    /// The next CONNECT.
    pub(crate) async fn next(&mut self) -> Incoming {
        soon(self.incoming.recv()).await.expect("a CONNECT")
    }

    /// How the drain ended, once the connection is over.
    pub(crate) async fn end(self) -> Option<DrainEnd> {
        soon(self.end).await.expect("no panic")
    }
}

/// A scripted client, and our end.
pub(crate) async fn script_to_driven(config: ConnectionConfig) -> (Raw, Driven) {
    script_to(acceptor().with_connection(config)).await
}

pub(crate) async fn script_to(acceptor: Acceptor) -> (Raw, Driven) {
    let (near, far) = pipe();
    let tls = ScriptTls::new(workload(CLIENT));
    let (raw, connection) = tokio::join!(Raw::client(near, &tls, &[]), acceptor.accept(far));
    let mut connection = connection.expect("a connection");
    let (give, incoming) = mpsc::channel(4096);
    let handle = connection.handle();
    let end = tokio::spawn(async move {
        while let Some(incoming) = connection.next().await {
            let _ = give.send(incoming).await;
        }
        connection.drain_end()
    });
    let driven = Driven {
        handle,
        incoming,
        end,
    };
    (raw, driven)
}

/// Opens tunnels on the first `count` streams of the client.
pub(crate) async fn open(raw: &mut Raw, driven: &mut Driven, count: u32) -> Vec<Tunnel> {
    let mut tunnels = Vec::new();
    for stream in (1..).step_by(2).take(count as usize) {
        raw.send([Frame::headers(stream, &CONNECT)]).await;
        tunnels.push(accept_next(&mut driven.incoming).await);
        let answer = raw.expect(HEADERS).await;
        assert_eq!((answer.stream, raw.status(&answer)), (stream, 200));
    }
    tunnels
}

/// The next frame of this kind, past all others.
pub(crate) async fn next_of(raw: &mut Raw, kind: u8) -> Frame {
    loop {
        let frame = raw.any_frame().await.expect("a frame before the end");
        if frame.kind == kind {
            return frame;
        }
    }
}

/// Answers a PING.
pub(crate) async fn pong(raw: &mut Raw, ping: Frame) {
    raw.send([Frame::new(
        PING,
        crate::support::frame::ACK,
        0,
        ping.payload,
    )])
    .await;
}
