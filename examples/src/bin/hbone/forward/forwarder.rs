use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_hbone::{Breakable, Pool, copy_bidirectional};

use crate::log::Log;
use crate::overheard::Overheard;
use crate::quoted::Quoted;
use crate::signals::{Asked, Signals};
use crate::way::Way;

/// Leads connections through tunnels.
pub(super) struct Forwarder {
    way: Way,
    pool: Pool,
    log: Log,
    /// What to try instead has been told.
    hinted: AtomicBool,
}

/// How long accepting pauses when it fails for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// From the end of all tunnels to that of everything.
const GRACE: Duration = Duration::from_secs(1);

impl Forwarder {
    pub(super) const fn new(way: Way, pool: Pool, log: Log) -> Self {
        Self {
            way,
            pool,
            log,
            hinted: AtomicBool::new(false),
        }
    }

    /// Accepts up to `most` connections at once, until it is asked to stop.
    pub(super) async fn run(
        self,
        listener: TcpListener,
        most: usize,
        mut signals: Signals,
        drain: Duration,
    ) {
        let this = Arc::new(self);
        let seats = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::Reload => this.way.workload.reload(&this.log),
                    Asked::Stop => break,
                },
                Some(_) = tasks.join_next() => {}
                seated = next(&listener, &seats) => match seated {
                    Ok((seat, socket, client)) => {
                        let this = Arc::clone(&this);
                        tasks.spawn(async move {
                            this.carry(socket, client).await;
                            drop(seat);
                        });
                    }
                    Err(error) => {
                        this.log.often(|| format!("hbone: accepting failed: {error}"));
                        sleep(PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        this.drain(tasks, signals, drain).await;
    }

    async fn drain(&self, mut tasks: JoinSet<()>, mut signals: Signals, patience: Duration) {
        let open = tasks.len();
        self.log
            .line(format!("hbone: draining, {open} connections are open"));
        let until = Instant::now() + patience;
        while !tasks.is_empty() {
            tokio::select! {
                _ = tasks.join_next() => {}
                () = sleep_until(until) => break,
                asked = signals.next() => if asked == Asked::Stop { break },
            }
        }
        let cut = tasks.len();
        self.pool.close();
        let last = async {
            while tasks.join_next().await.is_some() {}
            self.pool.drain().await;
        };
        let _ = timeout(GRACE, last).await;
        self.log
            .line(format!("hbone: drained, {cut} connections were cut"));
    }

    async fn carry(&self, socket: TcpStream, client: SocketAddr) {
        let begun = Instant::now();
        let mut socket = Overheard::new(socket);
        let outcome = match self.way.open(&self.pool).await {
            Ok((mut tunnel, _)) => {
                let peer = tunnel.peer().to_string();
                let copied = copy_bidirectional(&mut tunnel, &mut socket).await;
                let (sent, received) = (copied.sent, copied.received);
                let end = match copied.end {
                    Ok(()) => "ok".to_owned(),
                    Err(error) => quoted(&error.to_string()),
                };
                format!("peer={peer} sent={sent} received={received} end={end}")
            }
            Err(failure) => {
                socket.break_off();
                format!("end={}", quoted(&failure.message().unwrap_or_default()))
            }
        };
        let took = begun.elapsed().as_millis();
        let authority = &self.way.authority;
        self.log.line(format!(
            "connection from={client} authority={authority} {outcome} duration={took}ms"
        ));
        // All connections go one way, so once is enough.
        if let Some(hint) = self.way.hint(&socket)
            && !self.hinted.swap(true, Ordering::Relaxed)
        {
            self.log.line(format!("hbone: {hint}"));
        }
    }
}

fn quoted(text: &str) -> String {
    Quoted(text.as_bytes()).to_string()
}

/// The next connection, once there is a seat for it.
async fn next(
    listener: &TcpListener,
    seats: &Arc<Semaphore>,
) -> std::io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let seat = Arc::clone(seats).acquire_owned().await;
    let seat = seat.map_err(std::io::Error::other)?;
    let (socket, client) = listener.accept().await?;
    socket.set_nodelay(true)?;
    Ok((seat, socket, client))
}
