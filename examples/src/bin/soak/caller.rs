use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use hbone::{DialCause, Reason, RequestError, Route, TunnelError};
use hbone_examples::random::Random;
use tokio::io::{AsyncWriteExt, split};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_hbone::Tunnel;

use crate::errand::{Errand, Kind};
use crate::mesh::{Mesh, Way};
use crate::pattern::Direction;
use crate::tally::{Ended, Tally};
use crate::transfer::Transfer;
use crate::trouble::Trouble;

/// One of those who always have a tunnel open.
pub(crate) struct Caller {
    pub(crate) mesh: Arc<Mesh>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) way: Way,
    pub(crate) random: Random,
    pub(crate) stop: watch::Receiver<bool>,
}

/// How long a tunnel is open before it is used, at most.
const HOLD: Duration = Duration::from_secs(6);

/// Nothing that is not broken takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

async fn patiently<T>(
    work: impl Future<Output = Result<T, Trouble>>,
    what: impl FnOnce() -> String,
) -> Result<T, Trouble> {
    let done = timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| Err(Trouble::Other(format!("{} in {PATIENCE:?}", what()))))
}

impl Caller {
    /// Opens one tunnel after the other until it is told to stop.
    pub(crate) async fn run(mut self) -> Result<()> {
        let route = self.mesh.route(self.way)?;
        let nowhere = self.mesh.route_to_nowhere(self.way)?;
        let denied = self.mesh.route_to_denied(self.way)?;
        while !*self.stop.borrow() {
            let mark = self.mesh.mark(self.way);
            let one = async {
                match self.random.below(100) {
                    0..4 => self.give_up(&route).await,
                    4..6 => self.refused(&nowhere, 503).await,
                    6..8 => self.refused(&denied, 403).await,
                    _ => self.errand(&route).await,
                }
            };
            let outcome = one.await;
            let hit = mark.was_hit(self.mesh.mark(self.way));
            let failed = outcome.is_err();
            self.tally.note(self.way, outcome, hit);
            if failed {
                // Who is refused at once must not spend its time on that.
                sleep(Duration::from_millis(200)).await;
            }
        }
        Ok(())
    }

    /// A connect that is dropped before long.
    async fn give_up(&mut self, route: &Route) -> Result<Ended, Trouble> {
        let connect = self.mesh.client(self.way).pool.connect(route);
        let patience = Duration::from_micros(self.random.below(5_000) as u64);
        match timeout(patience, connect).await {
            Ok(Err(error)) => Err(Trouble::Dial(error)),
            // Dropped while it was on its way, or as soon as it was there.
            Ok(Ok(_)) | Err(_) => Ok(Ended::GivenUp),
        }
    }

    async fn refused(&self, route: &Route, status: u16) -> Result<Ended, Trouble> {
        match self.mesh.client(self.way).pool.connect(route).await {
            Ok(_) => Err(Trouble::Other(format!("a tunnel instead of {status}"))),
            Err(error) => match &error.cause {
                DialCause::Request(RequestError::Refused(refused))
                    if refused.status() == status =>
                {
                    Ok(Ended::Refused)
                }
                _ => Err(Trouble::Dial(error)),
            },
        }
    }

    async fn errand(&mut self, route: &Route) -> Result<Ended, Trouble> {
        let pool = &self.mesh.client(self.way).pool;
        let connect = async { pool.connect(route).await.map_err(Trouble::Dial) };
        let mut tunnel = patiently(connect, || "no connect".to_owned()).await?;
        let open = self.tally.opened();
        let hold = HOLD.mul_f64(self.random.unit());
        let direction = Direction::Down;
        tokio::select! {
            () = sleep(hold) => {}
            _ = self.stop.wait_for(|stop| *stop) => {}
            // Nobody has anything to say yet, so whatever comes is a failure.
            came = tunnel.read_chunk() => return Err(match came? {
                Some(_) => Trouble::Excess { direction },
                None => Trouble::Short { direction, at: 0 },
            }),
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let errand = Errand::draw(number, &mut self.random);
        let told = self.mesh.application.outcome(number);
        let here = async {
            tunnel.write_all(&errand.encode()).await?;
            self.do_errand(errand, tunnel).await
        };
        let here = patiently(here, || format!("{errand:?} does not end")).await;
        drop(open);
        if here.is_err() {
            self.mesh.application.forget(number);
            return here;
        }
        match timeout(PATIENCE, told).await {
            Ok(Ok(there)) => there.and(here),
            Ok(Err(_)) | Err(_) => Err(Trouble::Unheard(errand)),
        }
    }

    async fn do_errand(&mut self, errand: Errand, mut tunnel: Tunnel) -> Result<Ended, Trouble> {
        let up = Transfer::new(errand.tunnel, Direction::Up, errand.up);
        let down = Transfer::new(errand.tunnel, Direction::Down, errand.down);
        let random = &mut self.random;
        let ended = match errand.kind {
            Kind::Duplex => {
                let (mut reads, mut writes) = split(tunnel);
                let sending = async {
                    up.send(&mut writes, random).await?;
                    Ok(writes.shutdown().await?)
                };
                tokio::try_join!(down.receive(&mut reads), sending)?;
                Ended::Whole
            }
            Kind::UploadFirst => {
                up.send_chunks(&mut tunnel, random).await?;
                tunnel.shutdown().await?;
                down.receive_chunks(&mut tunnel).await?;
                Ended::HalfClosed
            }
            Kind::DownloadFirst => {
                down.receive_chunks(&mut tunnel).await?;
                up.send_chunks(&mut tunnel, random).await?;
                tunnel.shutdown().await?;
                Ended::HalfClosed
            }
            Kind::CallerResets => {
                let enough = 1 + random.below(errand.down as usize) as u64;
                let (mut reads, mut writes) = split(tunnel);
                let sending = async {
                    up.send(&mut writes, random).await?;
                    std::future::pending::<Result<(), Trouble>>().await
                };
                tokio::select! {
                    read = down.receive_until(enough, &mut reads) => read?,
                    sent = sending => sent?,
                }
                Ended::ResetByCaller
            }
            Kind::ApplicationResets => {
                let (mut reads, mut writes) = split(tunnel);
                let sending = async {
                    up.send(&mut writes, random).await?;
                    std::future::pending::<Result<(), Trouble>>().await
                };
                let end = tokio::select! {
                    read = down.receive(&mut reads) => read,
                    sent = sending => sent,
                };
                match end {
                    Err(Trouble::Tunnel(TunnelError::Reset(Reason::CONNECT_ERROR))) => {
                        Ended::ResetByApplication
                    }
                    // All that it meant to send, but it has not ended it.
                    Ok(()) => {
                        return Err(Trouble::Short {
                            direction: Direction::Down,
                            at: errand.down,
                        });
                    }
                    Err(other) => return Err(other),
                }
            }
        };
        Ok(ended)
    }
}
