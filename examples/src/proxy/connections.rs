use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::tune;
use crate::canonical::canonical;

/// The plain connections that the proxy serves: not more than there is room for, and an end to all of them.
#[derive(Debug, Clone)]
pub struct Connections {
    room: Arc<Semaphore>,
    drain: watch::Sender<bool>,
    cut: watch::Sender<bool>,
}

/// A connection's place among them.
#[derive(Debug)]
pub struct Admitted {
    drain: watch::Receiver<bool>,
    cut: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

/// The most at once; further ones are closed as they come.
const MOST: u32 = 10_000;
/// How long accepting pauses when no descriptor is left.
const PAUSE: Duration = Duration::from_millis(100);
/// For connections that are cut to be told.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl Connections {
    /// Serves each connection in a task of its own, until it is told to stop listening.
    pub fn accept<F>(
        &self,
        listener: TcpListener,
        serve: impl Fn(TcpStream, SocketAddr, Admitted) -> F + Send + 'static,
    ) -> AbortHandle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let connections = self.clone();
        let accepting = async move {
            loop {
                match listener.accept().await {
                    Ok((socket, from)) => {
                        let from = canonical(from);
                        let Ok(place) = Arc::clone(&connections.room).try_acquire_owned() else {
                            tracing::warn!(src.addr = %from, "too many connections; closing one more");
                            continue;
                        };
                        let admitted = Admitted {
                            drain: connections.drain.subscribe(),
                            cut: connections.cut.subscribe(),
                            _place: place,
                        };
                        tune(&socket);
                        tokio::spawn(serve(socket, from, admitted));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept; trying again");
                        sleep(PAUSE).await;
                    }
                }
            }
        };
        tokio::spawn(accepting).abort_handle()
    }

    /// Tells those that have asked for nothing yet that they need not any more.
    pub fn drain(&self) {
        self.drain.send_replace(true);
    }

    /// Waits until none is left.
    pub async fn ended(&self) {
        // It is never closed.
        let _ = self.room.acquire_many(MOST).await;
    }

    /// Tells all that are left to end at once, and waits a moment for them to do so.
    pub async fn cut(&self) {
        self.cut.send_replace(true);
        let _ = timeout(LAST_WORDS, self.ended()).await;
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            room: Arc::new(Semaphore::new(MOST as usize)),
            drain: watch::Sender::new(false),
            cut: watch::Sender::new(false),
        }
    }
}

impl Admitted {
    /// Waits until nothing new is to be begun on the connection.
    pub async fn drained(&mut self) {
        if self.drain.wait_for(|drain| *drain).await.is_err() {
            std::future::pending().await
        }
    }

    /// Waits until the connection is to end at once.
    pub async fn cut(&mut self) {
        if self.cut.wait_for(|cut| *cut).await.is_err() {
            std::future::pending().await
        }
    }
}
