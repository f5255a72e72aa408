//! Riders: connections that are made inside a stream of another one, its carrier. A carrier that takes no more streams would stay
//! open for as long as an idle rider does, so its riders leave with it.

use std::hash::{BuildHasher, Hash};
use std::time::Instant;

use super::{CloseReason, ConnectionState, Id, Pool, TicketState};

impl<K: Clone + Eq + Hash, E: Clone, S: BuildHasher> Pool<K, E, S> {
    /// A connection that is being dialled is made inside the stream of a ticket.
    pub(super) fn ride(&mut self, rider: Id, stream: Id) {
        let Some(ticket) = self.tickets.get_mut(stream) else {
            return;
        };
        let TicketState::Streaming(carrier) = ticket.state else {
            return;
        };
        let Some(carrier) = self.connections.get_mut(carrier) else {
            return;
        };
        match carrier.state {
            ConnectionState::Open | ConnectionState::Draining(CloseReason::Evicted) => {
                ticket.rider = Some(rider);
                carrier.carrying.push_back(&mut self.tickets, stream);
            }
            _ => self.strand(rider),
        }
    }

    /// A connection takes no more streams: its riders are to hear of it.
    pub(super) fn strand_riders(&mut self, carrier: Id) {
        while let Some(connection) = self.connections.get_mut(carrier)
            && let Some(stream) = connection.carrying.first()
        {
            connection.carrying.remove(&mut self.tickets, stream);
            let ticket = self.tickets.get_mut(stream);
            if let Some(rider) = ticket.and_then(|ticket| ticket.rider.take()) {
                self.strand(rider);
                self.stranded.push(rider);
            }
        }
    }

    /// Riders whose carrier leaves take no more streams, nor do theirs. Keys are settled when all have left, so that none of them
    /// is taken for one that will stay.
    pub(super) fn leave_stranded(&mut self, now: Instant) {
        let mut keys = Vec::new();
        while let Some(rider) = self.stranded.pop() {
            if let Some(connection) = self.connections.get(rider) {
                keys.push(connection.key);
                self.leave_up(rider, CloseReason::Carrier, now);
            }
        }
        for key in keys {
            self.settle(key, now);
        }
    }

    /// A connection whose carrier left before it was up has served those who waited for it, and serves nobody else: to dial it
    /// anew instead would never end with a peer that sends GOAWAY after each stream.
    pub(super) fn leave_if_stranded(&mut self, id: Id, now: Instant) {
        if let Some(connection) = self.connections.get(id)
            && connection.state == ConnectionState::Open
            && connection.stranded
        {
            let key = connection.key;
            self.wind_down(id, CloseReason::Carrier);
            self.settle(key, now);
        }
    }

    fn strand(&mut self, rider: Id) {
        if let Some(connection) = self.connections.get_mut(rider) {
            connection.stranded = true;
        }
    }
}
