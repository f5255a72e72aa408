use std::time::Instant;

use hbone::{Cut, Loss, Reason, TunnelError};

use super::{ConnectionEnd, Event, Watch};
use crate::deadline::now;
use crate::observed::Failure;

/// A connection that is up, until this is dropped. It is held by whoever drives the connection.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    watch: Watch,
    since: Instant,
    end: Option<ConnectionEnd>,
    /// The peer has said GOAWAY, and it was told.
    is_leaving: bool,
}

impl OpenConnection {
    pub(super) fn new(watch: Watch) -> Self {
        Self {
            watch,
            since: now(),
            end: None,
            is_leaving: false,
        }
    }

    /// For what is on the connection.
    pub(crate) const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// We said GOAWAY.
    pub(crate) fn said_go_away(&mut self, reason: h2::Reason) {
        self.go_away_sent(Reason::from_wire(reason.into()));
    }

    fn go_away_sent(&mut self, reason: Reason) {
        let connection = self.watch.connection();
        self.watch.counters().goaways_sent.increment();
        if reason != Reason::NO_ERROR {
            self.end.get_or_insert(ConnectionEnd::SentAway(reason));
        }
        self.watch.tell(|| Event::GoAwaySent { connection, reason });
    }

    /// The peer said GOAWAY. Only the first one is told.
    pub(crate) fn go_away_received(&mut self, reason: Reason) {
        if std::mem::replace(&mut self.is_leaving, true) {
            return;
        }
        let connection = self.watch.connection();
        self.watch.counters().goaways_received.increment();
        self.watch
            .tell(|| Event::GoAwayReceived { connection, reason });
    }

    /// The peer does not answer any more.
    pub(crate) fn unanswered(&mut self) {
        let connection = self.watch.connection();
        self.end = Some(ConnectionEnd::Lost(Loss::Unanswered));
        self.watch.counters().keepalive_timeouts.increment();
        self.watch.tell(|| Event::KeepaliveTimedOut { connection });
    }

    /// We cut it.
    pub(crate) fn cut(&mut self, cut: Cut) {
        self.end = Some(ConnectionEnd::Cut(cut));
    }

    /// It was lost, unless it had ended already.
    pub(crate) fn lost(&mut self, loss: Loss) {
        self.end.get_or_insert(ConnectionEnd::Lost(loss));
    }

    /// h2 has come to the end of it. `failure` is the connection's. Only the first end counts.
    pub(crate) fn ended(&mut self, error: Option<&h2::Error>, failure: &Failure) {
        let Some(error) = error.filter(|_| self.end.is_none()) else {
            self.end.get_or_insert(ConnectionEnd::Closed);
            return;
        };
        let end = failure
            .ended()
            .unwrap_or_else(|| TunnelError::Lost(failure.loss(error)));
        match end {
            TunnelError::Lost(Loss::GoAway(reason)) => self.go_away_received(reason),
            TunnelError::Lost(Loss::Protocol(reason)) => self.go_away_sent(reason),
            _ => {}
        }
        self.end = Some(end.into());
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let (connection, counters) = (self.watch.connection(), self.watch.counters());
        let end = self.end.unwrap_or(ConnectionEnd::Cut(Cut::Abandoned));
        counters.connections_closed.increment();
        match end {
            ConnectionEnd::Closed => {}
            ConnectionEnd::Cut(_) | ConnectionEnd::SentAway(_) => {
                counters.connections_cut.increment();
            }
            ConnectionEnd::Lost(_) => counters.connections_lost.increment(),
        }
        self.watch.tell(|| Event::ConnectionClosed {
            connection,
            peer: self.watch.peer().clone(),
            end,
            lived: now().saturating_duration_since(self.since),
        });
    }
}
