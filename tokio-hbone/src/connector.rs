use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;

use hbone::{
    Dial, DialAction, DialCause, DialError, DialLimits, KeepaliveConfig, RequestLimits, Route,
    Timeouts,
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::deadline::now;
use crate::http2::Http2Config;
use crate::link::LinkConfig;
use crate::observe::{Monitor, Observer, Stats};
use crate::tls::ClientTls;
use crate::transport::Transport;
use crate::tunnel::Tunnel;
use crate::walk::Walk;

/// Makes connections, and opens tunnels.
///
/// By itself it makes connections for each tunnel, which suits tools; a proxy puts it into a [`Pool`](crate::Pool). Dropping the future of [`connect`](Self::connect) at any point closes
/// whatever it had opened.
///
/// Specification: HBONE-C-005, HBONE-C-006, HBONE-D-002.
#[derive(Clone)]
pub struct Connector {
    pub(crate) link: LinkConfig,
    pub(crate) dial: DialLimits,
    pub(crate) request: RequestLimits,
}

impl Connector {
    /// A connector with default settings and limits.
    #[must_use]
    pub fn new(tls: ClientTls) -> Self {
        let link = LinkConfig {
            tls,
            http2: Http2Config::client(),
            timeouts: Timeouts::default(),
            keepalive: Some(KeepaliveConfig::default()),
            transport: Transport::tcp(),
            least_streams: 1,
            monitor: Monitor::default(),
        };
        Self {
            link,
            dial: DialLimits::default(),
            request: RequestLimits::default(),
        }
    }

    /// The same with other HTTP/2 settings.
    #[must_use]
    pub const fn with_http2(mut self, http2: Http2Config) -> Self {
        self.link.http2 = http2;
        self
    }

    /// The same with other limits on making a connection.
    #[must_use]
    pub const fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.link.timeouts = timeouts;
        self
    }

    /// The same with another idea of when a silent peer is asked whether it lives, and when it is given up; `None` is never.
    #[must_use]
    pub const fn with_keepalive(mut self, keepalive: Option<KeepaliveConfig>) -> Self {
        self.link.keepalive = keepalive;
        self
    }

    /// The same, reaching the outermost hop by `connect` instead of plain TCP: bound to a device, with a mark, by another
    /// proxy. The deadline for it is still [`Timeouts::tcp`].
    #[must_use]
    pub fn with_transport<F, C, IO>(mut self, connect: F) -> Self
    where
        F: Fn(SocketAddr) -> C + Send + Sync + 'static,
        C: Future<Output = io::Result<IO>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.link.transport = Transport::new(connect);
        self
    }

    /// The same with other limits on one CONNECT.
    #[must_use]
    pub const fn with_request_limits(mut self, limits: RequestLimits) -> Self {
        self.request = limits;
        self
    }

    /// The same with other limits on a whole connect.
    #[must_use]
    pub const fn with_dial_limits(mut self, limits: DialLimits) -> Self {
        self.dial = limits;
        self
    }

    /// The same, telling `observer` what happens, and with [`stats`](Self::stats) of its own from now on.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer) -> Self {
        self.link.monitor = Monitor::telling(observer);
        self
    }

    /// What this connector, its clones and their connections have done, and hold now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.link.monitor.stats()
    }

    /// Opens a tunnel over `route`. The runtime that this is called in drives its connections from then on. The future may be
    /// dropped at any point: what it has opened is closed then.
    ///
    /// # Errors
    /// [`DialError`], which names the hop and the cause.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer on.
    pub async fn connect(&self, route: &Route) -> Result<Tunnel, DialError> {
        let walk = Walk::over_tcp(&self.link, self.request, route);
        Self::walk(walk, route, self.dial).await
    }

    /// Opens a tunnel over `route` inside `io`, which must already lead to the peer of the outermost hop: for those who
    /// connect in a way of their own, bound to a device or by another proxy. The route's address is not dialled.
    ///
    /// There is only this one `io`, so no CONNECT is sent a second time.
    ///
    /// # Errors
    /// [`DialError`], which names the hop and the cause.
    ///
    /// # Panics
    /// As [`connect`](Self::connect).
    pub async fn connect_over<IO>(&self, io: IO, route: &Route) -> Result<Tunnel, DialError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let walk = Walk::over_io(io, &self.link, self.request, route);
        let mut once = self.dial;
        once.retries = 0;
        Self::walk(walk, route, once).await
    }

    async fn walk<IO>(
        mut walk: Walk<'_, IO>,
        route: &Route,
        limits: DialLimits,
    ) -> Result<Tunnel, DialError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut dial = Dial::new(route, limits, now());
        while let Some(action) = dial.poll() {
            if let DialAction::Ended(outcome) = action {
                outcome?;
                break;
            }
            walk.carry_out(action, &mut dial)
                .await
                .map_err(|misuse| DialError::new(dial.level(), route.len(), misuse.into()))?;
        }
        let nothing = || DialError::new(dial.level(), route.len(), DialCause::Cancelled);
        walk.into_tunnel().ok_or_else(nothing)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("dial", &self.dial)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
