use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use hbone_examples::random::Random;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::errand::{Errand, Kind};
use crate::pattern::Direction;
use crate::sabotage::Sabotage;
use crate::transfer::Transfer;
use crate::trouble::Trouble;

/// What is behind the servers: it does its part of each errand, and says how that went.
pub(crate) struct Application {
    seed: u64,
    sabotage: Option<Sabotage>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Result<(), Trouble>>>>,
    open: AtomicUsize,
    /// Connections that ended before they said what they were for.
    silent: AtomicU64,
}

impl Application {
    pub(crate) fn new(seed: u64, sabotage: Option<Sabotage>) -> Self {
        Self {
            seed,
            sabotage,
            waiting: Mutex::default(),
            open: AtomicUsize::new(0),
            silent: AtomicU64::new(0),
        }
    }

    /// Opens one more door.
    pub(crate) async fn listen(self: &Arc<Self>) -> Result<(SocketAddr, JoinHandle<()>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let application = Arc::clone(self);
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((socket, _)) => drop(tokio::spawn(Arc::clone(&application).serve(socket))),
                    // Descriptors are counted elsewhere, and come back.
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        });
        Ok((address, accepting))
    }

    /// How tunnel number `tunnel` will have gone at this end; nothing if it never says a word.
    pub(crate) fn outcome(&self, tunnel: u64) -> oneshot::Receiver<Result<(), Trouble>> {
        let (tell, told) = oneshot::channel();
        self.waiting().insert(tunnel, tell);
        told
    }

    /// Nobody asks for it any more.
    pub(crate) fn forget(&self, tunnel: u64) {
        self.waiting().remove(&tunnel);
    }

    /// How many connections there are.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many connections ended before they said what they were for.
    pub(crate) fn silent(&self) -> u64 {
        self.silent.load(Ordering::Relaxed)
    }

    async fn serve(self: Arc<Self>, mut socket: TcpStream) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let mut head = [0; Errand::LENGTH];
        match socket.read_exact(&mut head).await {
            Err(_) => drop(self.silent.fetch_add(1, Ordering::Relaxed)),
            Ok(_) => {
                if let Some(errand) = Errand::decode(&head) {
                    let outcome = self.run(errand, socket).await;
                    if let Some(tell) = self.waiting().remove(&errand.tunnel) {
                        // Who asked may have had enough of its own trouble.
                        let _ = tell.send(outcome);
                    }
                }
            }
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    async fn run(&self, errand: Errand, mut socket: TcpStream) -> Result<(), Trouble> {
        let _ = socket.set_nodelay(true);
        let mut random = Random::new(self.seed ^ errand.tunnel);
        let up = Transfer::new(errand.tunnel, Direction::Up, errand.up);
        let down = self.down(errand);
        match errand.kind {
            Kind::Duplex => {
                let (mut reads, mut writes) = socket.split();
                let sending = async {
                    down.send(&mut writes, &mut random).await?;
                    Ok(writes.shutdown().await?)
                };
                tokio::try_join!(up.receive(&mut reads), sending)?;
            }
            Kind::UploadFirst => {
                up.receive(&mut socket).await?;
                down.send(&mut socket, &mut random).await?;
                socket.shutdown().await?;
            }
            Kind::DownloadFirst => {
                down.send(&mut socket, &mut random).await?;
                socket.shutdown().await?;
                up.receive(&mut socket).await?;
            }
            Kind::CallerResets => {
                let (mut reads, mut writes) = socket.split();
                let sending = async {
                    down.send(&mut writes, &mut random).await?;
                    std::future::pending::<Result<(), Trouble>>().await
                };
                let receiving = async {
                    up.receive(&mut reads).await?;
                    // All that the caller meant to send, but it has not ended it.
                    let (direction, at) = (Direction::Up, errand.up);
                    Err::<(), _>(Trouble::Short { direction, at })
                };
                match tokio::try_join!(receiving, sending) {
                    Ok(_) | Err(Trouble::Socket(_)) => {}
                    Err(other) => return Err(other),
                }
            }
            Kind::ApplicationResets => {
                let (mut reads, mut writes) = socket.split();
                tokio::select! {
                    sent = down.send(&mut writes, &mut random) => sent?,
                    // More than there is never comes: until the sending is done, it can only fail.
                    end = up.receive(&mut reads) => end?,
                }
                socket.set_zero_linger()?;
            }
        }
        Ok(())
    }

    fn down(&self, errand: Errand) -> Transfer {
        let mut down = Transfer::new(errand.tunnel, Direction::Down, errand.down);
        match self.sabotage {
            Some(Sabotage::Byte) if errand.tunnel.is_multiple_of(50) => {
                down.pattern = Transfer::new(!errand.tunnel, Direction::Down, 0).pattern;
            }
            Some(Sabotage::Cut) if errand.tunnel.is_multiple_of(50) => down.length /= 2,
            _ => {}
        }
        down
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Result<(), Trouble>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
