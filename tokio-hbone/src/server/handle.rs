use std::fmt;
use std::sync::Arc;

use hbone::{Cut, Identity};
use tokio::sync::{Semaphore, watch};

use super::census::Census;
use super::handshakes::Handshakes;
use crate::observe::{Monitor, Stats};

/// Ends a [`Server`](super::Server), or some of its connections, from elsewhere.
#[derive(Clone)]
pub struct ServerHandle {
    signals: watch::Sender<usize>,
    census: Arc<Census>,
    handshakes: Handshakes,
    sockets: Arc<Semaphore>,
    most_sockets: usize,
    monitor: Monitor,
}

impl ServerHandle {
    pub(super) fn new(
        census: Arc<Census>,
        handshakes: Handshakes,
        sockets: Arc<Semaphore>,
        most_sockets: usize,
        monitor: Monitor,
    ) -> Self {
        Self {
            signals: watch::Sender::new(0),
            census,
            handshakes,
            sockets,
            most_sockets: most_sockets.min(Semaphore::MAX_PERMITS),
            monitor,
        }
    }

    /// Accepts nothing new and drains every connection; [`Server::run`](super::Server::run) returns when the last is over, or
    /// the deadline has passed. A second call cuts what is left at once.
    pub fn drain(&self) {
        self.census.drain();
        self.signals
            .send_modify(|signals| *signals = signals.saturating_add(1));
    }

    /// Cuts every tunnel of one peer and closes its connections.
    pub fn cut_peer(&self, peer: &Identity, cut: Cut) {
        self.census.cut_peer(peer, cut);
    }

    /// Cuts every tunnel and closes every connection. New ones are accepted.
    pub fn cut_all(&self, cut: Cut) {
        self.census.cut_all(cut);
    }

    /// How much there is of everything now. All of it is zero once the server has ended.
    #[must_use]
    pub fn counts(&self) -> ServerCounts {
        ServerCounts {
            sockets: self
                .most_sockets
                .saturating_sub(self.sockets.available_permits()),
            handshakes: self.handshakes.len(),
            connections: self.census.connections(),
            tunnels: self.census.tunnels(),
        }
    }

    /// What the server's acceptor and all its connections have done, and hold now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.monitor.stats()
    }

    pub(super) fn signals(&self) -> Signals {
        Signals(self.signals.subscribe())
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerHandle({:?})", self.counts())
    }
}

/// How much of everything a server holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerCounts {
    /// Sockets of clients, whatever their state.
    pub sockets: usize,
    /// Handshakes under way.
    pub handshakes: usize,
    /// Connections that have shaken hands.
    pub connections: usize,
    /// CONNECTs whose handler has not ended.
    pub tunnels: usize,
}

/// How often the server was told to drain, as it sees it.
pub(super) struct Signals(watch::Receiver<usize>);

impl Signals {
    pub(super) fn seen(&mut self) -> usize {
        *self.0.borrow_and_update()
    }

    /// Waits for another one.
    pub(super) async fn more(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}
