use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use hbone::pool::ConnectionId;
use hbone::{DialCause, DialError, EstablishError};
use tokio::io::{AsyncRead, AsyncWrite};

use super::key::Key;
use super::shared::Shared;
use super::state::PooledLink;
use super::walk;
use crate::driver::{Driver, Stop, Watch};
use crate::link::Link;
use crate::transport::BoxIo;
use crate::tunnel::Lingering;

/// The task of one connection: dials it, drives it, and reports its end, also if it is dropped or panics.
pub(super) async fn run(running: Running, key: Key, mut stop: Stop) {
    let mut made = pin!(running.make(&key));
    let made = poll_fn(|cx| {
        // Nobody wants it any more, in whichever way that is said.
        if Pin::new(&mut stop).poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        made.as_mut().poll(cx).map(Some)
    });
    match made.await {
        Some(Ok((link, Made::ByTcp(driver)))) => running.drive(&key, link, driver, stop).await,
        Some(Ok((link, Made::Inside(driver)))) => running.drive(&key, link, driver, stop).await,
        Some(Err(error)) => running.failed(&key, error),
        None => {}
    }
}

enum Made {
    ByTcp(Driver<BoxIo>),
    Inside(Driver<Lingering>),
}

/// A connection of the pool that has a task. Dropping it says that it has none any more.
pub(super) struct Running {
    shared: Arc<Shared>,
    connection: ConnectionId,
}

impl Running {
    pub(super) const fn new(shared: Arc<Shared>, connection: ConnectionId) -> Self {
        Self { shared, connection }
    }

    async fn make(&self, key: &Key) -> Result<(PooledLink, Made), DialError> {
        let (shared, level) = (&self.shared, key.level());
        let config = &shared.connector.link;
        let failed = |error: EstablishError| DialError::new(level, level + 1, error.into());
        match key.way() {
            None => {
                let made = Link::over_tcp(config, key.address(), key.expect()).await;
                let (link, driver) = made.map_err(failed)?;
                Ok((PooledLink::new(link, Vec::new()), Made::ByTcp(driver)))
            }
            Some(way) => {
                let (tunnel, answers) = walk::walk(shared, &way, shared.spread).await?;
                if let Some(lease) = tunnel.lease() {
                    shared.with(|state, _| state.carried(self.connection, lease.ticket()));
                }
                let made = Link::over_tunnel(config, tunnel, key.expect()).await;
                let (link, driver) = made.map_err(failed)?;
                Ok((PooledLink::new(link, answers), Made::Inside(driver)))
            }
        }
    }

    async fn drive<IO>(&self, key: &Key, link: PooledLink, driver: Driver<IO>, stop: Stop)
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let send = link.link.send();
        self.shared
            .with(|state, now| state.connected(self.connection, key, link, driver.streams(), now));
        driver.run_watched(send, self, stop).await;
    }

    fn failed(&self, key: &Key, error: DialError) {
        self.shared
            .with(|state, now| state.dial_failed(self.connection, key, error, now));
    }
}

impl Watch for &Running {
    fn settings(&mut self, streams: Option<u32>) {
        self.shared
            .with(|state, now| state.set_streams(self.connection, streams, now));
    }

    fn going_away(&mut self) {
        self.shared
            .with(|state, now| state.going_away(self.connection, now));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let unfinished = DialError::new(0, 1, DialCause::Cancelled);
        self.shared
            .with(|state, now| state.task_ended(self.connection, unfinished, now));
    }
}
