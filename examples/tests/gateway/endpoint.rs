use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncWriteExt, copy};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Whatever stands on port 15008 of an address: it says its name in a byte, after a while, and then sends back what comes.
pub(crate) struct Endpoint {
    /// How many connections it took.
    taken: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Endpoint {
    pub(crate) async fn start(at: IpAddr, name: u8, delay: Duration) -> Self {
        let listener = TcpListener::bind((at, hbone::PORT))
            .await
            .expect("a free address");
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((mut socket, _)) = listener.accept().await else {
                    return;
                };
                count.fetch_add(1, Ordering::Relaxed);
                connections.spawn(async move {
                    sleep(delay).await;
                    let (mut from, mut to) = socket.split();
                    if to.write_all(&[name]).await.is_ok() && copy(&mut from, &mut to).await.is_ok()
                    {
                        let _ = to.shutdown().await;
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { taken, task }
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// It is gone, and all its connections with it.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
