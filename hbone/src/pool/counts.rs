/// How much a [`Pool`](crate::pool::Pool) holds, for metrics and tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Keys with anything to remember: a connection, a waiter, or a failed dial.
    pub keys: usize,
    /// Connections being dialled, or up without SETTINGS.
    pub dialling: usize,
    /// Connections that take streams.
    pub open: usize,
    /// Connections that take no more streams but still carry some.
    pub draining: usize,
    /// Streams handed out and not yet ended.
    pub streams: usize,
    /// Requests without an answer.
    pub waiting: usize,
}
