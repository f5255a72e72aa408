use std::fmt;
use std::time::Duration;

use hbone::pool::{PoolConfig, Spread};

use super::Pool;
use super::shared::Shared;
use crate::connector::Connector;

/// A [`Pool`] to be.
pub struct PoolBuilder {
    connector: Connector,
    config: Option<PoolConfig>,
    spread: Option<Spread>,
}

impl PoolBuilder {
    pub(super) const fn new(connector: Connector) -> Self {
        Self {
            connector,
            config: None,
            spread: None,
        }
    }

    /// Limits other than [`PoolConfig::new`] with a `max_wait` of 5 s more than a dial may take, so that who waits for a dial
    /// learns how it ended.
    #[must_use]
    pub const fn config(mut self, config: PoolConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// How requests are spread over what is behind a gateway, unless [`Pool::connect_spread`] says otherwise:
    /// 16 connections at most.
    #[must_use]
    pub const fn spread(mut self, spread: Spread) -> Self {
        self.spread = Some(spread);
        self
    }

    /// The pool. It needs a tokio runtime from its first [`connect`](Pool::connect) on, and not before.
    #[must_use]
    pub fn build(self) -> Pool {
        let mut connector = self.connector;
        // A peer that allows no stream now may do so later, which a pool can wait for.
        connector.link.least_streams = 0;
        let timeouts = connector.link.timeouts;
        let dial = [timeouts.tls, timeouts.settings, MARGIN]
            .into_iter()
            .fold(timeouts.tcp, Duration::saturating_add);
        let config = self
            .config
            .unwrap_or_else(|| PoolConfig::new().max_wait(dial));
        let spread = self
            .spread
            .unwrap_or_else(|| Spread::by_weight(DEFAULT_WEIGHT));
        Pool::from_shared(Shared::new(connector, config, Some(spread)))
    }
}

/// How many inner connections to one destination a pool holds at most unless it is told how many servers there are.
const DEFAULT_WEIGHT: u32 = 16;

const MARGIN: Duration = Duration::from_secs(5);

impl fmt::Debug for PoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuilder")
            .field("connector", &self.connector)
            .field("config", &self.config)
            .field("spread", &self.spread)
            .finish_non_exhaustive()
    }
}
