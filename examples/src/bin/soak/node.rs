use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use hbone::Cut;
use hbone::policy::DestinationPolicy;
use hbone_examples::pki::Authority;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_hbone::tls::{Rotating, ServerTls, TrustBundles};
use tokio_hbone::{
    Acceptor, ConnectionConfig, Http2Config, Incoming, Relay, Server, ServerCounts, ServerHandle,
    Service,
};

use crate::mesh::{provider, small_windows};
use crate::place::Place;

/// A server that is stopped and started again, always at the same address.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    pub(crate) identity: String,
    pub(crate) address: SocketAddr,
    pub(crate) place: Place,
    pub(crate) certificates: Rotating,
    acceptor: Acceptor,
    policy: DestinationPolicy,
    life: Mutex<Life>,
}

struct Life {
    handle: ServerHandle,
    running: JoinHandle<()>,
}

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It drains, and cuts what is left at its deadline.
    Drain,
    /// It is gone at once.
    Crash,
}

impl Node {
    pub(crate) async fn start(
        name: &'static str,
        authority: &Authority,
        trusted: TrustBundles,
        policy: DestinationPolicy,
    ) -> Result<Self> {
        let identity = format!("spiffe://cluster.local/ns/soak/sa/{name}");
        let credentials = authority.workload(&identity)?.credentials()?;
        let certificates = Rotating::new(provider(), credentials, trusted)?;
        let mut connection = ConnectionConfig::default();
        connection.drain.deadline = Duration::from_secs(1);
        connection.drain.announce = Duration::from_millis(200);
        let tls = ServerTls::from_source(provider(), certificates.clone())?;
        let acceptor = Acceptor::new(tls)
            .with_http2(small_windows(Http2Config::server()))
            .with_connection(connection);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let life = Life::begin(&acceptor, &policy, listener);
        Ok(Self {
            name,
            identity,
            address,
            place: Place::default(),
            certificates,
            acceptor,
            policy,
            life: Mutex::new(life),
        })
    }

    /// Ends it, waits until it is gone, and starts it again.
    pub(crate) async fn restart(&self, end: End) -> Result<()> {
        self.stop(end).await;
        let listener = TcpListener::bind(self.address).await;
        let listener = listener.with_context(|| format!("{} cannot come back", self.name))?;
        *self.life() = Life::begin(&self.acceptor, &self.policy, listener);
        Ok(())
    }

    /// Ends it, and waits until it is gone.
    pub(crate) async fn stop(&self, end: End) {
        let handle = self.life().handle.clone();
        match end {
            End::Drain => handle.drain(),
            End::Crash => self.life().running.abort(),
        }
        while !self.life().running.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Breaks every tunnel.
    pub(crate) fn cut_all(&self, cut: Cut) {
        self.life().handle.cut_all(cut);
    }

    pub(crate) fn counts(&self) -> ServerCounts {
        self.life().handle.counts()
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Life {
    fn begin(acceptor: &Acceptor, policy: &DestinationPolicy, listener: TcpListener) -> Self {
        let relay = Relay::new(Upstream(policy.clone()));
        let server = Server::new(acceptor.clone(), relay);
        Self {
            handle: server.handle(),
            running: tokio::spawn(server.run(listener)),
        }
    }
}

/// Where clients may go: the same for all.
struct Upstream(DestinationPolicy);

impl Service for Upstream {
    fn policy(&self, _incoming: &Incoming) -> DestinationPolicy {
        self.0.clone()
    }
}
