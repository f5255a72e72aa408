use std::fmt;

/// One connection of a [`Pool`](crate::pool::Pool), from [`Action::Dial`](crate::pool::Action::Dial) to its end. Never used
/// twice by one pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub(super) Id);

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0.serial)
    }
}

/// One request for a stream, from [`Pool::request`](crate::pool::Pool::request) to the end of the stream or of the wait.
/// Never used twice by one pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketId(pub(super) Id);

impl fmt::Debug for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0.serial)
    }
}

/// A place in a [`Slab`](super::slab::Slab), and which of its tenants is meant. The older tenant is the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id {
    /// Counts up over the life of the slab, so an old id never means a new tenant.
    pub(super) serial: u64,
    pub(super) index: u32,
}
