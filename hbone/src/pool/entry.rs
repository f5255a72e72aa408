use super::connection::Connection;
use super::heap::{Heap, Place};
use super::list::{Links, List};
use super::rest::Rest;
use super::rotation::Rotation;
use super::ticket::Ticket;

/// All that is known of one key.
#[derive(Debug)]
pub(super) struct Entry<K, E> {
    pub(super) key: K,
    /// All its connections, in the order of their dials, gone ones with streams to report included.
    pub(super) connections: List<Connection>,
    /// Those with room: the one that is used next comes first.
    pub(super) choice: Heap<Connection, u64>,
    /// How many are dialled, or up without SETTINGS.
    pub(super) dialling: usize,
    /// How many take streams, room or not.
    pub(super) open: usize,
    /// How many of the open ones were told at once that no stream is allowed.
    pub(super) starved: usize,
    /// How many of the open ones are near the end of their share.
    pub(super) ripe: usize,
    pub(super) draining: usize,
    pub(super) streams: usize,
    pub(super) waiters: List<Ticket>,
    /// How many streams a connection of this key carries, as far as is known.
    pub(super) usual_limit: u32,
    pub(super) rest: Rest<E>,
    pub(super) rotation: Option<Box<Rotation>>,
    /// Among the keys that want a connection and find no slot.
    pub(super) blocked: Links,
    /// Whether it had no connection when it was blocked.
    pub(super) is_blocked_cold: bool,
    pub(super) timer: Place,
}

impl<K, E: Clone> Entry<K, E> {
    pub(super) const fn new(key: K, usual_limit: u32) -> Self {
        Self {
            key,
            connections: List::new(Connection::siblings),
            choice: Heap::new(Connection::choice),
            dialling: 0,
            open: 0,
            starved: 0,
            ripe: 0,
            draining: 0,
            streams: 0,
            waiters: List::new(Ticket::queue),
            usual_limit,
            rest: Rest::new(),
            rotation: None,
            blocked: Links::new(),
            is_blocked_cold: false,
            timer: Place::new(),
        }
    }

    pub(super) const fn blocked(&mut self) -> &mut Links {
        &mut self.blocked
    }

    pub(super) const fn timer(&mut self) -> &mut Place {
        &mut self.timer
    }

    /// Whether somebody who waits may still get a stream without a new dial.
    pub(super) const fn has_hope(&self) -> bool {
        self.open > 0 || self.dialling > 0
    }
}
