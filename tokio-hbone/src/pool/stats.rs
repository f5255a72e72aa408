use crate::observe::Stats;

/// What a [`Pool`](super::Pool) holds and has done, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Keys with anything to remember: a connection, a waiter, or a failed dial.
    pub keys: usize,
    /// Connections being dialled.
    pub dialling: usize,
    /// Connections that take tunnels.
    pub open: usize,
    /// Connections that take no more tunnels but still carry some.
    pub draining: usize,
    /// Tunnels open or being opened, those that inner connections are made in included.
    pub streams: usize,
    /// Requests for a tunnel that wait for a connection.
    pub waiting: usize,
    /// Tasks that run: one a connection, from its dial to its last byte.
    pub tasks: usize,
    /// Dials begun so far.
    pub dials: u64,
    /// Dials that failed so far, those that nobody wanted any more not included.
    pub dials_failed: u64,
    /// TLS handshakes that led to a connection so far.
    pub handshakes: u64,
    /// Requests for a tunnel so far. One that is repeated on another connection counts twice.
    pub requests: u64,
    /// Those of them that found a connection up with a stream free.
    pub reused: u64,
    /// Connections so far that ended in another way than by our own choice.
    pub lost: u64,
    /// What its connector and all its connections have done, and hold now.
    pub transport: Stats,
}
