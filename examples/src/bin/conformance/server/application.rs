use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// The application behind the authority. Connections are taken as they come, and wait for the case that asks for them.
#[derive(Debug)]
pub(crate) struct Application {
    arrived: Mutex<UnboundedReceiver<TcpStream>>,
}

impl Application {
    pub(crate) async fn listen(at: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(at)
            .await
            .with_context(|| format!("cannot listen on {at}; is the port taken?"))?;
        let (arrivals, arrived) = unbounded_channel();
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        if arrivals.send(stream).is_err() {
                            return;
                        }
                    }
                    // No descriptor is left for now.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Ok(Self {
            arrived: Mutex::new(arrived),
        })
    }

    /// Closes what came for an earlier case.
    pub(crate) async fn forget(&self) {
        while self.accept(Duration::from_millis(1)).await.is_some() {}
    }

    /// The next connection, if one comes in time.
    pub(crate) async fn accept(&self, patience: Duration) -> Option<TcpStream> {
        let mut arrived = self.arrived.lock().await;
        timeout(patience, arrived.recv()).await.ok()?
    }
}
