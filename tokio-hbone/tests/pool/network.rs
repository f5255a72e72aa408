//! A network in memory: peers by address, and how often each was dialled.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hbone::{Accept, Route};
use tokio::io::DuplexStream;
use tokio_hbone::{Acceptor, Connector, Http2Config, Pool, Tunnel};

use crate::support::ends::{acceptor, connector, hop};
use crate::support::io::{BoxIo, pipe};
use crate::support::pki::{SERVER, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;

type Peer = Arc<dyn Fn(BoxIo, usize) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Network(Arc<Inner>);

#[derive(Default)]
struct Inner {
    peers: Mutex<HashMap<SocketAddr, Peer>>,
    dials: AtomicUsize,
    open: AtomicUsize,
}

pub(crate) const PLACE: &str = "10.0.0.2:15008";

impl Network {
    /// A peer at [`PLACE`], which is given each connection and its number, from 0.
    pub(crate) fn with<F>(peer: impl Fn(BoxIo, usize) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::default().at(PLACE, peer)
    }

    /// The same with one more peer.
    pub(crate) fn at<F>(
        self,
        place: &str,
        peer: impl Fn(BoxIo, usize) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let peer: Peer = Arc::new(move |io, number| Box::pin(peer(io, number)));
        let place = place.parse().expect("an address");
        self.0.peers.lock().expect("no panic").insert(place, peer);
        self
    }

    pub(crate) fn connector(&self) -> Connector {
        self.of(connector())
    }

    /// `connector`, in this network.
    pub(crate) fn of(&self, connector: Connector) -> Connector {
        let network = self.clone();
        connector.with_transport(move |address| {
            let connected = network.connect(address);
            async move { connected }
        })
    }

    pub(crate) fn pool(&self) -> Pool {
        Pool::new(self.connector())
    }

    /// How many connections were made.
    pub(crate) fn dials(&self) -> usize {
        self.0.dials.load(Ordering::Relaxed)
    }

    /// How many of them a peer still holds.
    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    fn connect(&self, address: SocketAddr) -> io::Result<DuplexStream> {
        let peers = self.0.peers.lock().expect("no panic");
        let peer = peers
            .get(&address)
            .ok_or(io::ErrorKind::ConnectionRefused)?;
        let number = self.0.dials.fetch_add(1, Ordering::Relaxed);
        let (near, far) = pipe();
        let serving = peer(Box::new(far), number);
        let network = self.clone();
        network.0.open.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            serving.await;
            network.0.open.fetch_sub(1, Ordering::Relaxed);
        });
        Ok(near)
    }
}

/// One hop to the server at [`PLACE`].
pub(crate) fn route() -> Route {
    route_to(PLACE, SERVER)
}

pub(crate) fn route_to(place: &str, who: &str) -> Route {
    Route::new(place.parse().expect("an address"), hop("10.0.0.1:80", who))
}

/// The server, which gives every byte back.
pub(crate) async fn echo(io: BoxIo, _: usize) {
    echo_as(io, acceptor()).await;
}

/// The server, which allows this many streams a connection.
pub(crate) async fn echo_at_most(io: BoxIo, streams: u32) {
    let mut http2 = Http2Config::server();
    http2.concurrent_streams = streams;
    echo_as(io, acceptor().with_http2(http2)).await;
}

pub(crate) async fn echo_as(io: BoxIo, acceptor: Acceptor) {
    let Ok(mut connection) = acceptor.accept(io).await else {
        return;
    };
    while let Some(incoming) = connection.next().await {
        if let Ok(tunnel) = incoming.accept(&Accept::default()) {
            tokio::spawn(give_back(tunnel));
        }
    }
}

pub(crate) async fn give_back(mut tunnel: Tunnel) {
    while let Ok(Some(chunk)) = tunnel.read_chunk().await {
        if tunnel.write_chunk(chunk).await.is_err() {
            return;
        }
    }
    let _ = tokio::io::AsyncWriteExt::shutdown(&mut tunnel).await;
}

/// Sends a word through the tunnel and back.
pub(crate) async fn works(tunnel: &mut Tunnel) -> bool {
    let word = bytes::Bytes::from_static(b"are you there?");
    let there = tunnel.write_chunk(word.clone()).await.is_ok();
    there && matches!(tunnel.read_chunk().await, Ok(Some(back)) if back == word)
}

/// The server as a script.
pub(crate) async fn script(io: BoxIo, settings: &[(u16, u32)]) -> Raw {
    Raw::server(io, &ScriptTls::new(workload(SERVER)), settings).await
}

/// Lets everything happen that needs no more than a moment.
pub(crate) async fn moment() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}
