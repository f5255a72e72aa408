//! Tickets: who waits, who is served, who fails.

use std::hash::{BuildHasher, Hash};
use std::time::Instant;

use super::list::Links;
use super::{
    Action, Checkout, ConnectionId, ConnectionState, Entry, Failure, Id, Pool, Rotation, Spread,
    Ticket, TicketId, TicketState,
};

impl<K: Clone + Eq + Hash, E: Clone, S: BuildHasher> Pool<K, E, S> {
    /// The entry of a key, a new one if need be.
    pub(super) fn enter(&mut self, key: &K) -> Id {
        if let Some(id) = self.index.get(key) {
            return *id;
        }
        let id = self.entries.insert(Entry::new(
            key.clone(),
            self.config.max_streams_per_connection,
        ));
        self.index.insert(key.clone(), id);
        id
    }

    pub(super) fn set_spread(&mut self, key: Id, spread: Spread, now: Instant) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if let Some(rotation) = &mut entry.rotation {
            rotation.spread = spread;
            return;
        }
        entry.rotation = Some(Box::new(Rotation::new(spread, now)));
        let mut next = entry.connections.first();
        while let Some(connection) = next {
            next = self.after_sibling(key, connection);
            if let Some(connection) = self.connections.get_mut(connection) {
                connection.budget = spread.requests.get();
            }
            self.rank(connection);
        }
    }

    pub(super) fn check_out(&mut self, key: Id, now: Instant) -> Result<Checkout, Failure<E>> {
        if let Some(connection) = self.next_choice(key) {
            let ticket = self.tickets.insert(Ticket {
                key,
                state: TicketState::Streaming(connection),
                deadline: None,
                rider: None,
                queue: Links::new(),
                clock: Links::new(),
            });
            self.take_stream(connection, now);
            self.finish(now);
            return Ok(Checkout::Ready {
                ticket: TicketId(ticket),
                connection: ConnectionId(connection),
            });
        }
        if let Some(failure) = self.refusal(key, now) {
            self.forget_unused(key, now);
            return Err(failure);
        }
        let ticket = self.tickets.insert(Ticket {
            key,
            state: TicketState::Waiting,
            deadline: now.checked_add(self.config.max_wait),
            rider: None,
            queue: Links::new(),
            clock: Links::new(),
        });
        if let Some(entry) = self.entries.get_mut(key) {
            entry.waiters.push_back(&mut self.tickets, ticket);
        }
        self.clock.push_back(&mut self.tickets, ticket);
        self.waiting += 1;
        self.settle(key, now);
        self.finish(now);
        Ok(Checkout::Waiting {
            ticket: TicketId(ticket),
        })
    }

    /// Brings a key to rest after something happened to it.
    pub(super) fn settle(&mut self, key: Id, now: Instant) {
        self.serve_waiters(key, now);
        self.fail_hopeless(key, now);
        self.grow(key, false, now);
        self.give_up_unwanted(key);
        self.forget_unused(key, now);
    }

    /// Puts a connection where its load or its turn says it belongs.
    pub(super) fn rank(&mut self, id: Id) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(connection.key) else {
            return;
        };
        if connection.has_room() {
            let rank = match &entry.rotation {
                Some(_) => connection.turn,
                None => u64::from(connection.active),
            };
            entry.choice.set(&mut self.connections, id, rank);
        } else {
            entry.choice.remove(&mut self.connections, id);
        }
    }

    /// The stream of a ticket has ended; `orderly` if that shows that the peer does its work.
    pub(super) fn end_stream(&mut self, ticket: Id, id: Id, orderly: bool, now: Instant) {
        self.discard_ticket(ticket);
        self.give_stream_back(id, now);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let key = connection.key;
        if connection.state == ConnectionState::Open {
            connection.refusing = false;
            connection.proven |= orderly;
            let is_ranked = connection.choice.is_taken();
            let Some(entry) = self.entries.get_mut(key) else {
                return;
            };
            if orderly {
                entry.rest.handle_proven();
            }
            let (turns_count, nobody_waits) = (entry.rotation.is_some(), entry.waiters.is_empty());
            if !(is_ranked && turns_count) {
                self.rank(id);
            }
            if nobody_waits && self.is_calm() {
                return;
            }
        }
        self.close_if_done(id);
        self.settle(key, now);
        self.finish(now);
    }

    pub(super) fn refuse_stream(&mut self, ticket: Id, id: Id, now: Instant) {
        self.discard_ticket(ticket);
        self.give_stream_back(id, now);
        self.take_grants_back(id, now);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let key = connection.key;
        if connection.state == ConnectionState::Open && connection.active == 0 {
            self.leave(id, super::CloseReason::Refused, now);
            return;
        }
        connection.refusing = true;
        self.rank(id);
        self.close_if_done(id);
        self.settle(key, now);
        self.finish(now);
    }

    /// Takes a ticket that waits out of the queue, and ends it.
    pub(super) fn leave_queue(&mut self, ticket: Id, now: Instant) {
        let Some(key) = self.unqueue(ticket) else {
            return;
        };
        self.tickets.remove(ticket);
        self.settle(key, now);
        self.finish(now);
    }

    pub(super) fn fail(&mut self, ticket: Id, failure: Failure<E>) {
        self.unqueue(ticket);
        if let Some(failing) = self.tickets.get_mut(ticket) {
            failing.state = TicketState::Failing;
            self.actions.push_back(Action::Fail {
                ticket: TicketId(ticket),
                failure,
            });
        }
    }

    pub(super) fn fail_all(&mut self, key: Id, failure: &Failure<E>) {
        while let Some(ticket) = self
            .entries
            .get(key)
            .and_then(|entry| entry.waiters.first())
        {
            self.fail(ticket, failure.clone());
        }
    }

    /// The grants of a connection that are not told yet are taken back: those who had them wait again, each in its old turn.
    pub(super) fn take_grants_back(&mut self, id: Id, now: Instant) {
        self.take_excess_back(id, 0, now);
    }

    /// The same, while the connection has more streams than it may have.
    pub(super) fn take_excess_back(&mut self, id: Id, limit: u32, now: Instant) {
        while let Some(connection) = self.connections.get_mut(id)
            && connection.active > limit
            && let Some(ticket) = connection.granted.last()
        {
            connection.granted.remove(&mut self.tickets, ticket);
            self.give_stream_back(id, now);
            let Some(waiting) = self.tickets.get_mut(ticket) else {
                return;
            };
            waiting.state = TicketState::Waiting;
            let is_late = waiting.deadline.is_some_and(|deadline| deadline <= now);
            if let Some(entry) = self.entries.get_mut(waiting.key) {
                // grants of another connection may have been taken back before; the older id has asked before the younger
                let is_later = |other| other > ticket;
                entry.waiters.insert(&mut self.tickets, ticket, is_later);
            }
            self.waiting += 1;
            if is_late {
                self.fail(ticket, Failure::NoCapacity);
            }
        }
    }

    /// Whether an action still holds; if so, it is about to be told.
    pub(super) fn announce(&mut self, action: &Action<K, E>) -> bool {
        match action {
            Action::Assign { ticket, connection } => {
                let id = ticket.0;
                match self.tickets.get_mut(id) {
                    Some(ticket) if ticket.state == TicketState::Granted(connection.0) => {
                        ticket.state = TicketState::Streaming(connection.0);
                    }
                    _ => return false,
                }
                self.clock.remove(&mut self.tickets, id);
                if let Some(connection) = self.connections.get_mut(connection.0) {
                    connection.granted.remove(&mut self.tickets, id);
                }
                true
            }
            Action::Close { .. } => true,
            Action::Dial { connection, .. } => match self.connections.get_mut(connection.0) {
                Some(connection) => {
                    connection.state = ConnectionState::Dialling { announced: true };
                    true
                }
                None => false,
            },
            Action::Fail { ticket, .. } => self.tickets.remove(ticket.0).is_some(),
        }
    }

    /// Why a request that finds no stream cannot wait for one.
    fn refusal(&self, key: Id, now: Instant) -> Option<Failure<E>> {
        let entry = self.entries.get(key)?;
        if !entry.has_hope()
            && let Some(failure) = entry.rest.failure(now)
        {
            return Some(failure);
        }
        (self.waiting >= self.config.max_waiting).then_some(Failure::QueueFull)
    }

    fn serve_waiters(&mut self, key: Id, now: Instant) {
        while let Some(entry) = self.entries.get_mut(key)
            && let Some(ticket) = entry.waiters.first()
            && let Some((_, id)) = entry.choice.peek()
        {
            entry.waiters.remove(&mut self.tickets, ticket);
            self.waiting -= 1;
            if let Some(ticket) = self.tickets.get_mut(ticket) {
                ticket.state = TicketState::Granted(id);
            }
            if let Some(connection) = self.connections.get_mut(id) {
                connection.granted.push_back(&mut self.tickets, ticket);
            }
            self.actions.push_back(Action::Assign {
                ticket: TicketId(ticket),
                connection: ConnectionId(id),
            });
            self.take_stream(id, now);
        }
    }

    pub(super) fn fail_hopeless(&mut self, key: Id, now: Instant) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        if entry.waiters.is_empty() {
            return;
        }
        if self.is_draining {
            self.fail_all(key, &Failure::Draining);
        } else if !entry.has_hope()
            && let Some(failure) = entry.rest.failure(now)
        {
            self.fail_all(key, &failure);
        }
    }

    /// The connection that serves the next request of a key, unless somebody waits for it.
    fn next_choice(&self, key: Id) -> Option<Id> {
        let entry = self.entries.get(key)?;
        if !entry.waiters.is_empty() {
            return None;
        }
        entry.choice.peek().map(|(_, id)| id)
    }

    /// Counts a stream onto a connection, and sees to its successor.
    fn take_stream(&mut self, id: Id, now: Instant) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let key = connection.key;
        connection.active += 1;
        connection.idle_since = None;
        self.streams += 1;
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.streams += 1;
        let Some(rotation) = &mut entry.rotation else {
            self.idle.remove(&mut self.connections, id);
            self.rank(id);
            return;
        };
        connection.turn = rotation.handle_request(now);
        connection.budget = connection.budget.saturating_sub(1);
        let (is_ripe, is_spent) = (
            connection.budget <= rotation.request_lead(),
            connection.budget == 0,
        );
        self.idle.remove(&mut self.connections, id);
        self.rank(id);
        if is_ripe {
            self.ripen(id);
        }
        if is_spent {
            self.leave_spent(id, now);
        }
        self.grow(key, false, now);
    }

    fn give_stream_back(&mut self, id: Id, now: Instant) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.active = connection.active.saturating_sub(1);
        self.streams = self.streams.saturating_sub(1);
        if let Some(entry) = self.entries.get_mut(connection.key) {
            entry.streams = entry.streams.saturating_sub(1);
        }
        if connection.active == 0 && connection.state == ConnectionState::Open {
            connection.idle_since = Some(now);
            self.idle.push_back(&mut self.connections, id);
            self.watch_idle(id);
        }
    }

    fn discard_ticket(&mut self, ticket: Id) {
        self.clock.remove(&mut self.tickets, ticket);
        if let Some(found) = self.tickets.get(ticket)
            && let TicketState::Granted(connection) | TicketState::Streaming(connection) =
                found.state
            && let Some(connection) = self.connections.get_mut(connection)
        {
            match found.rider {
                Some(_) => connection.carrying.remove(&mut self.tickets, ticket),
                None => connection.granted.remove(&mut self.tickets, ticket),
            };
        }
        self.tickets.remove(ticket);
    }

    /// Takes a ticket that waits out of every list, and says for which key it waited.
    fn unqueue(&mut self, ticket: Id) -> Option<Id> {
        let key = self.tickets.get(ticket)?.key;
        self.clock.remove(&mut self.tickets, ticket);
        let entry = self.entries.get_mut(key)?;
        if entry.waiters.remove(&mut self.tickets, ticket) {
            self.waiting -= 1;
        }
        Some(key)
    }
}
