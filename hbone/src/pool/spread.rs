use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use super::pool_config::LONGEST;

/// How requests are spread over a key that stands for many endpoints: a remote network behind a balancing gateway.
///
/// The gateway chooses an endpoint for each outer CONNECT stream, that is for each inner connection, so one pooled inner connection
/// means one endpoint. With a spread the pool rotates requests over several, gives each a bounded share of requests and of
/// time, and has the successor up before it retires one. How many it holds follows the rate of requests: each connection carries
/// about `requests` of them in half of `age`, whatever the rate of the key is, up to `max_connections`. So every connection in a
/// mesh has about the same rate, and a gateway that balances connections balances requests. Until half of `age` has passed the rate
/// is guessed from the first requests, and at most as many connections are held as there were of those, and their successors. A connection outlives its bounds only
/// while its successor is dialled, or rests after a failed dial.
///
/// Specification: HBONE-D-008.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    pub(super) max_connections: NonZeroU16,
    pub(super) requests: NonZeroU32,
    pub(super) age: Duration,
}

impl Spread {
    /// The least time that a connection has.
    pub(super) const SHORTEST: Duration = Duration::from_secs(1);

    /// A spread over as many connections as the weight of what is behind the key, at most 64; 60 requests and 60 s each.
    #[must_use]
    pub fn by_weight(weight: u32) -> Self {
        let connections = u16::try_from(weight).unwrap_or(u16::MAX).clamp(1, 64);
        Self {
            max_connections: NonZeroU16::new(connections).unwrap_or(NonZeroU16::MIN),
            requests: NonZeroU32::MIN.saturating_add(59),
            age: Duration::from_secs(60),
        }
    }

    /// The same, with at most this many connections that take requests at once. The pool's own caps hold as well.
    #[must_use]
    pub const fn max_connections(mut self, connections: NonZeroU16) -> Self {
        self.max_connections = connections;
        self
    }

    /// The same, with this many requests for each connection: the requests a handshake, once traffic is steady.
    #[must_use]
    pub const fn requests(mut self, requests: NonZeroU32) -> Self {
        self.requests = requests;
        self
    }

    /// The same, with at most this much time for each connection; less than a second counts as one, more than a year as that.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age.clamp(Self::SHORTEST, LONGEST);
        self
    }
}
