//! One whole session: handshakes, CONNECT, bytes both ways, half-close, end. What is done to it, others say; what must hold
//! whatever is done to it is here.

use std::io;

use hbone::{Accept, DialCause, Route};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_hbone::{Acceptor, Connector, Stats, Tunnel, copy_bidirectional};

use crate::support::ends::{acceptor, connector, hop, incoming, server_tls, tunnel_error};
use crate::support::io::{BoxIo, pipe};
use crate::support::noise::Noise;
use crate::support::pki::{GATEWAY, SERVER, mesh_bundle, workload};
use crate::support::{soon, tasks, tasks_end};

/// A client, a server that sends everything back, and with two hops a gateway between them.
pub(crate) struct Session {
    hops: usize,
    pub(crate) connector: Connector,
    pub(crate) acceptor: Acceptor,
    gateway: Acceptor,
    tasks: usize,
}

impl Session {
    pub(crate) fn new(hops: usize) -> Self {
        Self {
            hops,
            connector: connector(),
            acceptor: acceptor(),
            gateway: Acceptor::new(server_tls(&workload(GATEWAY), mesh_bundle())),
            tasks: tasks(),
        }
    }

    /// What the client connects to is behind `io`.
    pub(crate) fn serve(&self, io: BoxIo) {
        if self.hops == 1 {
            tokio::spawn(echo_server(io, self.acceptor.clone()));
        } else {
            let (to_server, from_gateway) = pipe();
            tokio::spawn(gateway(io, self.gateway.clone(), to_server));
            tokio::spawn(echo_server(Box::new(from_gateway), self.acceptor.clone()));
        }
    }

    pub(crate) fn route(&self) -> Route {
        let address = "127.0.0.1:15008".parse().expect("an address");
        match self.hops {
            1 => Route::new(address, hop("10.0.0.1:80", SERVER)),
            _ => {
                Route::new(address, hop("10.0.0.1:80", GATEWAY)).through(hop("10.0.0.1:80", SERVER))
            }
        }
    }

    /// The client's part, over `io`. Whatever happens on the way, it is told as what it is.
    pub(crate) async fn run(&self, io: BoxIo) -> Result<(), ()> {
        match soon(self.connector.connect_over(io, &self.route())).await {
            Ok(tunnel) => exchange(tunnel).await,
            Err(error) => {
                assert!(
                    matches!(error.cause, DialCause::Establish(_) | DialCause::Request(_)),
                    "{error:?}"
                );
                Err(())
            }
        }
    }

    /// No task is left of it, and nothing is counted any more.
    pub(crate) async fn ends(self) {
        tasks_end(self.tasks).await;
        for end in [
            self.connector.stats(),
            self.gateway.stats(),
            self.acceptor.stats(),
        ] {
            holds_nothing(&end);
        }
    }
}

#[track_caller]
pub(crate) fn holds_nothing(stats: &Stats) {
    let held = [
        stats.handshaking,
        stats.connections,
        stats.connecting,
        stats.tunnels,
    ];
    assert_eq!(held, [0; 4], "{stats:?}");
}

/// Sends bytes and looks at those that come back. They are the right ones, up to the end or up to an error.
pub(crate) async fn exchange(tunnel: Tunnel) -> Result<(), ()> {
    let (mut reads, mut writes) = tokio::io::split(tunnel);
    let sent = payload();
    let writing = async {
        writes.write_all(&sent).await?;
        writes.shutdown().await
    };
    let mut got = Vec::new();
    let reading = async {
        let outcome = soon(reads.read_to_end(&mut got)).await;
        outcome.map(drop)
    };
    let (wrote, read) = tokio::join!(writing, reading);
    judge(&sent, &got, wrote.and(read))
}

/// What came back of what was sent, and how it ended.
pub(crate) fn judge(sent: &[u8], got: &[u8], outcome: io::Result<()>) -> Result<(), ()> {
    assert!(sent.starts_with(got), "bent bytes");
    let outcome = outcome.map_err(|error| {
        // Whatever it is, it is one of ours, and no end of file.
        tunnel_error(&error);
    });
    if outcome.is_ok() {
        assert_eq!(got.len(), sent.len(), "a part was taken for the whole");
    }
    outcome
}

pub(crate) fn payload() -> Vec<u8> {
    let mut payload = vec![0; SIZE];
    Noise::new(1).fill(&mut payload);
    payload
}

const SIZE: usize = 20_000;

async fn echo_server(io: BoxIo, acceptor: Acceptor) {
    let mut incoming = incoming(io, acceptor);
    if let Some(connect) = incoming.recv().await
        && let Ok(tunnel) = connect.accept(&Accept::default())
    {
        give_back(tunnel).await;
    }
}

/// Sends everything back.
pub(crate) async fn give_back(io: impl crate::support::io::Io) {
    let (mut reads, mut writes) = tokio::io::split(io);
    if tokio::io::copy(&mut reads, &mut writes).await.is_ok() {
        let _ = writes.shutdown().await;
    }
}

async fn gateway(io: BoxIo, acceptor: Acceptor, mut upstream: DuplexStream) {
    let mut incoming = incoming(io, acceptor);
    if let Some(connect) = incoming.recv().await
        && let Ok(mut tunnel) = connect.accept(&Accept::default())
    {
        let _ = copy_bidirectional(&mut tunnel, &mut upstream).await;
    }
}
