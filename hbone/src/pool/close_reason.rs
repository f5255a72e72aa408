/// Why a [`Pool`](crate::pool::Pool) gives a connection up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// It is older than [`PoolConfig::max_age`](crate::pool::PoolConfig::max_age), and its last stream has ended.
    Age,
    /// The connection that it was made inside of takes no more streams
    /// ([`Pool::handle_carried`](crate::pool::Pool::handle_carried)), and its last stream has ended.
    Carrier,
    /// The pool drains, and its last stream has ended.
    Draining,
    /// Its slot is given to another key: all slots are taken, and it had no stream.
    Evicted,
    /// The peer sent GOAWAY, and its last stream has ended.
    GoAway,
    /// It carried nothing for [`PoolConfig::idle_timeout`](crate::pool::PoolConfig::idle_timeout).
    Idle,
    /// The peer refused a stream though there was no other.
    Refused,
    /// [`Pool::retire`](crate::pool::Pool::retire) chose it (a certificate was rotated or revoked), and its last stream has ended.
    Retired,
    /// It is up, but no SETTINGS came within [`PoolConfig::settings_timeout`](crate::pool::PoolConfig::settings_timeout).
    SettingsTimeout,
    /// It has had its share of requests or of time under [`Spread`](crate::pool::Spread), and its last stream has ended.
    Spread,
    /// A sibling to the same peer stopped answering, and its last stream has ended.
    Unresponsive,
    /// Everyone who waited for its dial has gone.
    Unwanted,
}
