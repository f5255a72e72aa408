use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hbone::{Forwarded, Position, Route};
use http::Version;
use peer_meta::Target;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_hbone::{Pool, PoolStats, Tunnel};

use super::answered::Answered;
use super::connection::{Connection, Http2};
use super::fault::Fault;
use super::outer_hop::OuterHop;
use crate::hop_log::HopLog;
use crate::proxy::connect_from;

/// One way that leads to one server: the HTTP connections there, which are kept and shared, and how to make more of them.
#[derive(Debug)]
pub(super) struct Lane {
    way: Way,
    kept: Mutex<Kept>,
    /// Held by whoever makes an HTTP/2 connection, so that others wait for it instead of making their own.
    making: tokio::sync::Mutex<()>,
    broken: AtomicBool,
}

#[derive(Debug)]
pub(super) enum Way {
    Plain {
        own: Vec<IpAddr>,
        address: SocketAddr,
    },
    Tunnel {
        pool: Pool,
        route: Box<Route>,
        target: Target,
        /// What leads there, if another tunnel does. The pool has one connection then.
        outer: Option<OuterHop>,
        /// How many tunnels there can be at once.
        most: usize,
        log: HopLog,
    },
}

#[derive(Debug, Default)]
struct Kept {
    /// HTTP/1 connections without a request, and since when.
    idle: Vec<(Connection, Instant)>,
    /// HTTP/2 connections, each of which takes many.
    shared: Vec<Http2>,
    /// A way that is open already, and on which nothing has been said.
    spare: Option<Opened>,
}

/// What HTTP is to be spoken on.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) io: Link,
    pub(super) answered: Answered,
}

/// An open way.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is boxed at once")]
pub(super) enum Link {
    Plain(TcpStream),
    Tunnel(Tunnel),
}

/// The most idle connections of a lane, and how long each is kept: less than the minute after which many servers close theirs.
const MOST_IDLE: usize = 100;
const LONGEST_IDLE: Duration = Duration::from_secs(45);
/// For a plain connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// For room on the connection of a lane of several; then another one may have it.
const SOON: Duration = Duration::from_millis(100);

impl Lane {
    pub(super) fn new(way: Way) -> Self {
        Self {
            way,
            kept: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            broken: AtomicBool::new(false),
        }
    }

    /// Opens it, so that the first request need not wait.
    pub(super) async fn prepare(&self) -> Result<(), Fault> {
        let opened = self.open(None).await?;
        self.kept().spare = Some(opened);
        Ok(())
    }

    /// A connection for one request.
    pub(super) async fn connection(&self, version: Version) -> Result<Connection, Fault> {
        match version {
            Version::HTTP_2 => self.shared().await,
            _ => {
                let idle = self.kept().idle();
                match idle {
                    Some(connection) => Ok(connection),
                    None => Connection::http1(self.opened().await?).await,
                }
            }
        }
    }

    /// Takes back an HTTP/1 connection that is ready for another request.
    pub(super) fn keep(&self, connection: Connection) {
        let now = Instant::now();
        let mut kept = self.kept();
        kept.sweep(now);
        if kept.idle.len() < MOST_IDLE && !self.is_broken() {
            kept.idle.push((connection, now));
        }
    }

    /// Whether there is no room for another tunnel on its connection.
    pub(super) fn is_full(&self) -> bool {
        match &self.way {
            Way::Tunnel { pool, most, .. } => {
                let stats = pool.stats();
                is_crowded(&stats) || stats.streams >= *most && self.kept().idle.is_empty()
            }
            Way::Plain { .. } => false,
        }
    }

    /// It does not lead anywhere any more: nothing else is to be sent by it.
    pub(super) fn break_off(&self) {
        self.broken.store(true, Ordering::Relaxed);
        let mut kept = self.kept();
        kept.idle.clear();
        kept.spare = None;
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Closes what has been idle for too long.
    pub(super) fn sweep(&self, now: Instant) {
        self.kept().sweep(now);
    }

    /// A way on which nothing has been said yet.
    async fn opened(&self) -> Result<Opened, Fault> {
        let spare = self.kept().spare.take();
        match spare {
            Some(opened) => Ok(opened),
            None => self.open(None).await,
        }
    }

    /// The same for one client alone, which has come through these proxies.
    pub(super) async fn opened_for(&self, forwarded: &Forwarded) -> Result<Opened, Fault> {
        self.open(Some(forwarded)).await
    }

    async fn shared(&self) -> Result<Connection, Fault> {
        let shared = self.kept().shared();
        if let Some(connection) = shared {
            return Ok(connection);
        }
        let _turn = self.making.lock().await;
        let shared = self.kept().shared();
        if let Some(connection) = shared {
            return Ok(connection);
        }
        let mut made = Http2::over(self.opened().await?).await?;
        let connection = made.take();
        self.kept().shared.push(made);
        Ok(connection)
    }

    async fn open(&self, forwarded: Option<&Forwarded>) -> Result<Opened, Fault> {
        match &self.way {
            Way::Plain { own, address } => {
                let unreachable = |kind| Fault::Unreachable {
                    address: *address,
                    kind,
                };
                let socket = timeout(PATIENCE, connect_from(own, *address))
                    .await
                    .map_err(|_| unreachable(io::ErrorKind::TimedOut))?
                    .map_err(|error| unreachable(error.kind()))?;
                Ok(Opened {
                    io: Link::Plain(socket),
                    answered: Answered::plain(*address),
                })
            }
            Way::Tunnel {
                pool,
                route,
                target,
                outer,
                log,
                ..
            } => {
                let mut route = Cow::Borrowed(&**route);
                if let Some(forwarded) = forwarded {
                    let inmost = route.to_mut().hops_mut().next_back();
                    if let Some(hop) = inmost {
                        hop.connect.forwarded = Some(forwarded.clone());
                    }
                }
                let mut connecting = pin!(pool.connect(&route));
                let connected = loop {
                    match timeout(SOON, connecting.as_mut()).await {
                        Ok(connected) => break connected,
                        Err(_) if outer.is_some() && is_crowded(&pool.stats()) => {
                            return Err(Fault::NoRoom);
                        }
                        Err(_) => {}
                    }
                };
                let tunnel = connected.map_err(|error| match outer {
                    Some(outer) => outer.explain(error),
                    None => error,
                })?;
                if let Some(answer) = tunnel.answers().last() {
                    let position = match target {
                        Target::OtherNetwork => Position::Inner,
                        _ => Position::Single,
                    };
                    log.asked(position, &route.last().connect, answer);
                }
                let answered = Answered::tunnel(route.address(), *target, &tunnel);
                Ok(Opened {
                    io: Link::Tunnel(tunnel),
                    answered,
                })
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing under it leaves anything half-done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether somebody waits for room on a connection that is there.
const fn is_crowded(stats: &PoolStats) -> bool {
    stats.dialling == 0 && stats.waiting > 0
}

impl Kept {
    /// The connection that was used last: it is the least likely to be closed meanwhile.
    fn idle(&mut self) -> Option<Connection> {
        self.sweep(Instant::now());
        self.idle.pop().map(|(connection, _)| connection)
    }

    fn shared(&mut self) -> Option<Connection> {
        self.shared.retain(Http2::is_open);
        let free = self.shared.iter_mut().find(|shared| shared.has_room());
        free.map(Http2::take)
    }

    fn sweep(&mut self, now: Instant) {
        self.idle.retain(|(connection, since)| {
            connection.is_open() && now.saturating_duration_since(*since) < LONGEST_IDLE
        });
        self.shared.retain(Http2::is_open);
    }
}

impl Link {
    /// As what HTTP can be spoken on.
    pub(super) fn into_io(self) -> Box<dyn Io> {
        match self {
            Self::Plain(socket) => Box::new(socket),
            Self::Tunnel(tunnel) => Box::new(tunnel),
        }
    }
}

/// Bytes both ways.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}
