use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::marker::PhantomData;
use std::time::Instant;

use super::{Action, Checkout, ConnectionId, Counts, Failure, PoolConfig, Spread, TicketId};
use crate::ApiMisuse;

/// How [`Pool`] hashes its keys unless told otherwise: without a seed, so that a run can be repeated.
///
/// Where a peer can choose many keys, give [`Pool::with_hasher`] a seeded one.
pub type FixedState = BuildHasherDefault<DefaultHasher>;

/// Decides which connection a request uses, when one is dialled, and when one is closed.
///
/// `K` says who is reached and as whom; two requests share a connection only if their keys are equal. `E` is what a failed dial
/// reports; everyone who waited for it gets a clone.
#[derive(Debug)]
pub struct Pool<K, E, S = FixedState> {
    key: PhantomData<(K, E, S)>,
}

impl<K: Clone + Eq + Hash, E: Clone, S: BuildHasher> Pool<K, E, S> {
    /// An empty pool.
    #[must_use]
    pub fn new(config: PoolConfig) -> Self
    where
        S: Default,
    {
        Self::with_hasher(config, S::default())
    }

    /// An empty pool that hashes keys in this way.
    #[must_use]
    pub fn with_hasher(config: PoolConfig, hasher: S) -> Self {
        let _ = (config, hasher);
        Self { key: PhantomData }
    }

    /// What the whole pool holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::default()
    }

    /// What the pool holds for one key.
    #[must_use]
    pub fn counts_of(&self, key: &K) -> Counts {
        let _ = key;
        Counts::default()
    }

    /// Whether [`drain`](Self::drain) was called, and no stream and no connection is left.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        false
    }

    /// The dial has succeeded: TCP, TLS and the HTTP/2 preface. The connection carries no stream before
    /// [`handle_settings`](Self::handle_settings). `entropy` chooses the jitter of its idle and age limits.
    ///
    /// # Errors
    /// If the pool never gave this id out, or the connection is up already. Late news about a connection that the pool has closed
    /// is no mistake and changes nothing; this holds for every `handle_*` that takes a connection.
    pub fn handle_connected(
        &mut self,
        connection: ConnectionId,
        entropy: u64,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        let _ = (connection, entropy, now);
        todo!()
    }

    /// The dial has failed; everyone who waits for this key and has no other connection to hope for fails with it. `entropy`
    /// chooses the jitter of the back-off.
    ///
    /// # Errors
    /// If the pool never gave this id out, or the connection is up already.
    pub fn handle_dial_failed(
        &mut self,
        connection: ConnectionId,
        error: E,
        entropy: u64,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        let _ = (connection, error, entropy, now);
        todo!()
    }

    /// The peer's SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 section 6.5.2) as of now; `None` if it sets no limit. Call it for the
    /// first SETTINGS and whenever the figure changes. A lowered limit cuts no stream.
    ///
    /// # Errors
    /// If the pool never gave this id out, or the connection is not up.
    pub fn handle_settings(
        &mut self,
        connection: ConnectionId,
        max_concurrent_streams: Option<u32>,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        let _ = (connection, max_concurrent_streams, now);
        todo!()
    }

    /// The peer sent GOAWAY. The connection takes no more streams, and is closed when its last one has ended.
    ///
    /// # Errors
    /// If the pool never gave this id out, or the connection is not up.
    pub fn handle_goaway(
        &mut self,
        connection: ConnectionId,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        let _ = (connection, now);
        todo!()
    }

    /// The connection is gone. Its streams are still to be reported as ended, one by one.
    ///
    /// # Errors
    /// If the pool never gave this id out, or the connection is not up.
    pub fn handle_closed(
        &mut self,
        connection: ConnectionId,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        let _ = (connection, now);
        todo!()
    }

    /// The connection is gone because the peer stopped answering (keepalive). As [`handle_closed`](Self::handle_closed); besides, no
    /// connection of the same key that was there before takes another stream, since the same peer is at its end.
    ///
    /// # Errors
    /// If the pool never gave this id out, or the connection is not up.
    pub fn handle_unresponsive(
        &mut self,
        connection: ConnectionId,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        let _ = (connection, now);
        todo!()
    }

    /// The stream of this ticket has ended, in whatever way. The ticket has ended too.
    ///
    /// # Errors
    /// If the ticket has no stream: it waits, or has ended before.
    pub fn handle_stream_ended(&mut self, ticket: TicketId, now: Instant) -> Result<(), ApiMisuse> {
        let _ = (ticket, now);
        todo!()
    }

    /// The peer refused the stream (REFUSED_STREAM, RFC 9113 section 8.7). The ticket has ended. The connection counts as full until
    /// a stream on it ends or its settings change, so a new request goes elsewhere.
    ///
    /// # Errors
    /// If the ticket has no stream: it waits, or has ended before.
    pub fn handle_stream_refused(
        &mut self,
        ticket: TicketId,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        let _ = (ticket, now);
        todo!()
    }

    /// Time has passed. Harmless if early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// Asks for a stream to `key`.
    ///
    /// # Errors
    /// If it is clear at once that there will be none: the last dial has just failed, too many wait, or the pool drains.
    pub fn request(&mut self, key: &K, now: Instant) -> Result<Checkout, Failure<E>> {
        let _ = (key, now);
        todo!()
    }

    /// Asks for a stream to `key`, which stands for many endpoints. The spread given last holds for the key.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn request_spread(
        &mut self,
        key: &K,
        spread: Spread,
        now: Instant,
    ) -> Result<Checkout, Failure<E>> {
        let _ = (key, spread, now);
        todo!()
    }

    /// Nobody wants the answer or the stream of this ticket any more; it has ended. `false` if it had ended before, which is no
    /// mistake.
    pub fn cancel(&mut self, ticket: TicketId, now: Instant) -> bool {
        let _ = (ticket, now);
        todo!()
    }

    /// No connection of the chosen keys takes another stream: a certificate was rotated or revoked, an endpoint is gone. Those who
    /// wait for such a key get a new connection.
    pub fn retire(&mut self, chosen: impl FnMut(&K) -> bool, now: Instant) {
        let _ = (chosen, now);
        todo!()
    }

    /// Opens nothing new from now on: everyone who waits fails, dials are given up, connections close as their last stream ends.
    pub fn drain(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// What to do next, in order; `None` when there is nothing. Ask after every other call, until it is `None`.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action<K, E>> {
        todo!()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). May change with every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
}
