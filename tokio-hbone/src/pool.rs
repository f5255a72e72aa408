//! Connections that are kept and shared: one handshake for many tunnels.

mod builder;
mod dialling;
mod errand;
mod event;
mod grant;
mod key;
mod lease;
mod shared;
mod state;
mod stats;
mod timer;
mod unanswered;
mod walk;

use std::fmt;
use std::sync::Arc;

use hbone::pool::Spread;
use hbone::{DialCause, DialError, Route};

use crate::connector::Connector;
use crate::tunnel::Tunnel;
pub use builder::PoolBuilder;
pub use event::PoolEvent;
pub(crate) use lease::Lease;
use shared::Shared;
pub use stats::PoolStats;

/// Opens tunnels on connections that it keeps and shares. This is what a proxy uses.
///
/// Two tunnels share a connection only if they go to the same address, through the same gateways, to the same expected
/// identities, and with the same certificate of ours. However many ask at once for a destination without a connection, it is
/// dialled once, and they fail together if that fails. The peer's limit of streams is obeyed as it changes; a CONNECT that the
/// peer certainly did not act on is repeated once, on another connection. What is decided, and why, is in [`hbone::pool`].
///
/// The connection to a server behind a gateway is pooled as well. Since the gateway chooses a server for each of those, requests
/// are spread over several, which are replaced in turn: [`PoolBuilder::spread`].
///
/// [`connect`](Self::connect) may be dropped at any point: what it held goes back, and a dial that others wait for goes on. A
/// clone is another handle on the same pool. Dropping the last one drains it: tunnels that are open go on.
///
/// The tasks of its connections run in the runtime of the first [`connect`](Self::connect). When that runtime ends, so do they and
/// their tunnels, and the next `connect` begins anew in its own.
///
/// ```no_run
/// use tokio_hbone::{Connector, Pool};
///
/// # async fn client(tls: tokio_hbone::tls::ClientTls, route: hbone::Route) -> Result<(), hbone::DialError> {
/// let pool = Pool::new(Connector::new(tls));
/// let first = pool.connect(&route).await?;
/// let second = pool.connect(&route).await?;
/// assert_eq!((pool.stats().handshakes, pool.stats().streams), (1, 2));
/// # Ok(())
/// # }
/// ```
///
/// Specification: HBONE-C-010, HBONE-D-008, HBONE-R-001, HBONE-R-004, HBONE-R-005, HBONE-R-007.
#[derive(Clone)]
pub struct Pool(Arc<Owner>);

/// Drops with the last handle, while tasks and tunnels may still share the rest.
struct Owner(Arc<Shared>);

impl Pool {
    /// A pool of connections that `connector` makes, with default limits.
    #[must_use]
    pub fn new(connector: Connector) -> Self {
        PoolBuilder::new(connector).build()
    }

    /// A pool with limits of the caller's.
    #[must_use]
    pub const fn builder(connector: Connector) -> PoolBuilder {
        PoolBuilder::new(connector)
    }

    fn from_shared(shared: Shared) -> Self {
        Self(Arc::new(Owner(Arc::new(shared))))
    }

    /// Opens a tunnel over `route`.
    ///
    /// # Errors
    /// [`DialError`], which names the hop and the cause. All who waited for a connection that could not be made get the same;
    /// for a moment after that, others get it at once.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer on.
    pub async fn connect(&self, route: &Route) -> Result<Tunnel, DialError> {
        self.open(route, self.0.0.spread).await
    }

    /// The same, with a spread of its own for the connection to what is behind a gateway: for those who know how many servers
    /// there are. On a route of one hop there is nothing to spread.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_spread(&self, route: &Route, spread: Spread) -> Result<Tunnel, DialError> {
        self.open(route, Some(spread)).await
    }

    /// What the pool holds and has done.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.0.0.stats()
    }

    /// Opens nothing new from now on, and waits until the last tunnel has ended and its connection is closed. Dropping the future
    /// changes nothing about that; bound it with a timeout, and [`close`](Self::close) what is left.
    pub async fn drain(&self) {
        self.0.0.with(|state, now| state.drain(now));
        self.0.0.drained().await;
    }

    /// Opens nothing new from now on, and breaks what is open: every tunnel ends with an error.
    pub fn close(&self) {
        self.0.0.with(|state, now| {
            state.drain(now);
            state.cut_all(now);
        });
    }

    async fn open(&self, route: &Route, spread: Option<Spread>) -> Result<Tunnel, DialError> {
        // Boxed, so that whoever keeps the tunnel does not hold the space that it took to open it.
        let (tunnel, answers) = Box::pin(walk::walk(&self.0.0, route, spread)).await?;
        let hops = route.len();
        let Some(peer) = answers.last().map(|answer| answer.peer.clone()) else {
            return Err(DialError::new(hops - 1, hops, DialCause::Cancelled));
        };
        Ok(Tunnel::new(tunnel, peer, answers))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.with(|state, now| state.drain(now));
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.stats()).finish()
    }
}
