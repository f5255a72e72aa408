//! News: what the caller says has happened.

use std::hash::{BuildHasher, Hash};
use std::time::Instant;

use super::{CloseReason, ConnectionId, ConnectionState, Id, Pool, TicketId, TicketState};
use crate::ApiMisuse;

impl<K: Clone + Eq + Hash, E: Clone, S: BuildHasher> Pool<K, E, S> {
    /// The dial has succeeded: TCP, TLS and the HTTP/2 preface. The connection carries no stream before
    /// [`handle_settings`](Self::handle_settings). `entropy` chooses the jitter of its idle and age limits.
    ///
    /// # Errors
    /// If the pool never asked for this dial, or the connection is up already. Late news about a connection that the pool has closed
    /// is no mistake and changes nothing; this holds for every `handle_*` that takes a connection.
    pub fn handle_connected(
        &mut self,
        connection: ConnectionId,
        entropy: u64,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        const CALL: &str = "Pool::handle_connected";
        match self.state_of(connection, CALL)? {
            Some(ConnectionState::Dialling { announced: true }) => {
                self.set_up(connection.0, entropy, now)
            }
            Some(ConnectionState::Dialling { announced: false }) => {
                return Err(ApiMisuse::new(CALL, "before the dial was asked for"));
            }
            Some(_) => return Err(ApiMisuse::new(CALL, "on a connection that is up")),
            None => {}
        }
        Ok(())
    }

    /// The connection is made inside the stream of this ticket, on another connection of the pool. When that one takes no more
    /// streams, this one does not either, and it closes when its last one has ended: an idle connection inside must not keep one
    /// open that the peer wants closed (RFC 9113 section 6.8). If it is not up by then, it serves those who wait for it, and nobody
    /// after them.
    ///
    /// To be called between [`Action::Dial`](super::Action::Dial) and [`handle_connected`](Self::handle_connected). Changes nothing
    /// if the ticket has ended.
    ///
    /// # Errors
    /// If the pool never asked for this dial, the connection is up already, or the ticket waits.
    pub fn handle_carried(
        &mut self,
        connection: ConnectionId,
        ticket: TicketId,
    ) -> Result<(), ApiMisuse> {
        const CALL: &str = "Pool::handle_carried";
        match self.state_of(connection, CALL)? {
            Some(ConnectionState::Dialling { announced: true }) => {}
            Some(ConnectionState::Dialling { announced: false }) => {
                return Err(ApiMisuse::new(CALL, "before the dial was asked for"));
            }
            Some(_) => return Err(ApiMisuse::new(CALL, "on a connection that is up")),
            None => return Ok(()),
        }
        if self.tickets.get(ticket.0).is_some() || !self.tickets.has_issued(ticket.0) {
            self.stream_of(ticket, CALL)?;
            self.ride(connection.0, ticket.0);
        }
        Ok(())
    }

    /// The dial has failed; everyone who waits for this key and has no other connection to hope for fails with it. `entropy`
    /// chooses the jitter of the back-off.
    ///
    /// # Errors
    /// If the pool never asked for this dial, or the connection is up already.
    pub fn handle_dial_failed(
        &mut self,
        connection: ConnectionId,
        error: E,
        entropy: u64,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        const CALL: &str = "Pool::handle_dial_failed";
        match self.state_of(connection, CALL)? {
            Some(ConnectionState::Dialling { announced: true }) => {
                self.fail_dial(connection.0, error, entropy, now)
            }
            Some(ConnectionState::Dialling { announced: false }) => {
                return Err(ApiMisuse::new(CALL, "before the dial was asked for"));
            }
            Some(_) => return Err(ApiMisuse::new(CALL, "on a connection that is up")),
            None => {}
        }
        Ok(())
    }

    /// The peer's SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 section 6.5.2) as of now; `None` if it sets no limit. Call it for the
    /// first SETTINGS and whenever the figure changes. A lowered limit cuts no stream.
    ///
    /// A first figure of 0 keeps the key from dialling another connection while this one is there: those who wait get what streams
    /// come free, or fail at their deadline. A figure that is lowered to 0 later counts as a full connection.
    ///
    /// # Errors
    /// If the pool never gave this id out, or the connection is not up.
    pub fn handle_settings(
        &mut self,
        connection: ConnectionId,
        max_concurrent_streams: Option<u32>,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        if self.is_up(connection, "Pool::handle_settings")? {
            self.set_limit(
                connection.0,
                max_concurrent_streams.unwrap_or(u32::MAX),
                now,
            );
        }
        Ok(())
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
        if self.is_up(connection, "Pool::handle_goaway")? {
            self.leave(connection.0, CloseReason::GoAway, now);
        }
        Ok(())
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
        if self.is_up(connection, "Pool::handle_closed")? {
            self.lose(connection.0, now);
        }
        Ok(())
    }

    /// The connection is gone because the peer stopped answering (keepalive). As [`handle_closed`](Self::handle_closed); besides, no
    /// connection of the same key that takes streams now takes another one, since the same peer is at its end.
    ///
    /// # Errors
    /// If the pool never gave this id out, or the connection is not up.
    pub fn handle_unresponsive(
        &mut self,
        connection: ConnectionId,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        if self.is_up(connection, "Pool::handle_unresponsive")? {
            self.leave_siblings(connection.0, now);
            self.lose(connection.0, now);
        }
        Ok(())
    }

    /// The stream of this ticket has ended, in whatever way but refusal. The ticket has ended too.
    ///
    /// # Errors
    /// If the ticket has no stream: it waits, or has ended before.
    pub fn handle_stream_ended(&mut self, ticket: TicketId, now: Instant) -> Result<(), ApiMisuse> {
        let connection = self.stream_of(ticket, "Pool::handle_stream_ended")?;
        self.end_stream(ticket.0, connection, true, now);
        Ok(())
    }

    /// The peer refused the stream (REFUSED_STREAM, RFC 9113 section 8.7). The ticket has ended. The connection counts as full until
    /// a stream on it ends or its settings change, so a new request goes elsewhere; if no stream is on it, it is closed.
    ///
    /// # Errors
    /// If the ticket has no stream: it waits, or has ended before.
    pub fn handle_stream_refused(
        &mut self,
        ticket: TicketId,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        let connection = self.stream_of(ticket, "Pool::handle_stream_refused")?;
        self.refuse_stream(ticket.0, connection, now);
        Ok(())
    }

    /// Time has passed. Harmless if early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.expire_waiters(now);
        self.check_connections(now);
        self.check_keys(now);
        self.finish(now);
    }

    /// The state of a connection; `None` once it has ended.
    fn state_of(
        &self,
        connection: ConnectionId,
        call: &'static str,
    ) -> Result<Option<ConnectionState>, ApiMisuse> {
        match self.connections.get(connection.0) {
            Some(connection) => Ok(Some(connection.state)),
            None if self.connections.has_issued(connection.0) => Ok(None),
            None => Err(ApiMisuse::new(
                call,
                "on a connection that this pool never named",
            )),
        }
    }

    /// Whether there is anything to say about a connection that has to be up.
    fn is_up(&self, connection: ConnectionId, call: &'static str) -> Result<bool, ApiMisuse> {
        match self.state_of(connection, call)? {
            Some(ConnectionState::Dialling { .. }) => {
                Err(ApiMisuse::new(call, "before handle_connected"))
            }
            Some(ConnectionState::Gone) | None => Ok(false),
            Some(
                ConnectionState::Draining(_) | ConnectionState::Open | ConnectionState::Unsettled,
            ) => Ok(true),
        }
    }

    /// The connection that carries the stream of a ticket.
    fn stream_of(&self, ticket: TicketId, call: &'static str) -> Result<Id, ApiMisuse> {
        match self.tickets.get(ticket.0).map(|ticket| ticket.state) {
            Some(TicketState::Streaming(connection)) => Ok(connection),
            Some(_) => Err(ApiMisuse::new(call, "on a ticket that has no stream yet")),
            None => Err(ApiMisuse::new(call, "on a ticket that has ended")),
        }
    }
}
