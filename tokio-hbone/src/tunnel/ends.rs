use std::sync::{Mutex, MutexGuard, PoisonError};

use super::inbound::Inbound;
use super::outbound::Outbound;

/// The two halves of a stream, as far as the driver of the connection has to do with them.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) inbound: Inbound,
    pub(crate) outbound: Outbound,
}

impl Ends {
    /// For a moment: nobody waits for anything while it is held.
    pub(crate) fn lock(ends: &Mutex<Self>) -> MutexGuard<'_, Self> {
        // Nothing that can panic runs under the lock.
        ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
