use std::time::Duration;

use crate::DenyStatus;

/// The figures of [`Serve`](super::Serve).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeConfig {
    /// How a denial of the policy is told to the peer: 403 by default.
    pub deny_status: DenyStatus,
    /// Which authorities are looked up: names only by default.
    pub lookup: Lookup,
    /// The most addresses that are tried for one CONNECT: 8 by default. Further ones are ignored, and 0 counts as 1.
    pub max_attempts: usize,
    /// For a directory or resolver to answer: 5 s by default.
    pub resolve_timeout: Duration,
    /// For one address to accept the connection: 5 s by default.
    pub attempt_timeout: Duration,
    /// From the request to the answer, all of the above together: 10 s by default, as ztunnel connects.
    pub total_timeout: Duration,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            deny_status: DenyStatus::default(),
            lookup: Lookup::default(),
            max_attempts: 8,
            resolve_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(10),
        }
    }
}

/// Which authorities are looked up before anything is dialled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lookup {
    /// All of them, since the directory may lead an address elsewhere too: a service's to an endpoint, a workload's to a local
    /// port of it.
    All,
    /// Host names; an address is dialled as it stands.
    #[default]
    Names,
}
