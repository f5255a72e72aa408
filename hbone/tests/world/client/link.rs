use std::collections::BTreeMap;
use std::time::Instant;

use hbone::pool::ConnectionId;
use hbone::{Establish, Keepalive};

/// One connection of a client.
pub(super) struct Link {
    /// The place of its peer.
    pub(super) place: String,
    /// Its name in the pool, or whose it is and at which level.
    pub(super) pooled: Option<ConnectionId>,
    pub(super) owner: Option<(usize, usize)>,
    pub(super) establish: Establish,
    /// Once it is up.
    pub(super) keepalive: Option<Keepalive>,
    /// What the peer allows, once it has said so.
    pub(super) max_streams: Option<u32>,
    /// Live streams, and whose they are: walk and level.
    pub(super) streams: BTreeMap<u32, (usize, usize)>,
    pub(super) next_stream: u32,
    pub(super) going_away: bool,
    /// Nothing arrives on it any more.
    pub(super) silent: bool,
    pub(super) closed: bool,
}

impl Link {
    pub(super) fn new(place: String, establish: Establish) -> Self {
        Self {
            place,
            pooled: None,
            owner: None,
            establish,
            keepalive: None,
            max_streams: None,
            streams: BTreeMap::new(),
            next_stream: 1,
            going_away: false,
            silent: false,
            closed: false,
        }
    }

    /// A stream for a walk at a level, and whether the peer allows it now. The pool never asks for more than that; on a connection
    /// that a walk has for itself, the CONNECT waits in the transport.
    pub(super) fn open_stream(&mut self, owner: (usize, usize)) -> (u32, bool) {
        assert!(!self.closed, "a stream on a connection that is gone");
        assert!(!self.going_away, "a stream after GOAWAY on {}", self.place);
        let is_allowed = self
            .max_streams
            .is_none_or(|max| self.streams.len() < max as usize);
        assert!(
            is_allowed || self.pooled.is_none(),
            "more streams than {} allows",
            self.place
        );
        let id = self.next_stream;
        self.next_stream += 2;
        self.streams.insert(id, owner);
        (id, is_allowed)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let keepalive = self.keepalive.as_ref().and_then(Keepalive::poll_timeout);
        self.establish
            .poll_timeout()
            .into_iter()
            .chain(keepalive)
            .min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        self.establish.handle_timeout(now);
        if let Some(keepalive) = &mut self.keepalive {
            keepalive.handle_timeout(now);
        }
    }
}
