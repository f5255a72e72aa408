//! What stands for `tracing` where the feature is off: nothing.

use std::future::Future;

use hbone::{Authority, Identity};

use super::{ConnectionInfo, Event};

/// No span.
#[derive(Clone, Debug)]
pub(crate) struct Scope;

impl Scope {
    pub(crate) const fn none() -> Self {
        Self
    }

    pub(super) const fn of_connection(_connection: &ConnectionInfo) -> Self {
        Self
    }

    pub(super) const fn has_peer(&self, _peer: &Identity) {}

    pub(super) const fn of_tunnel(&self, _authority: &Authority) -> Self {
        Self
    }

    pub(super) const fn is_on_stream(&self, _stream: u32) {}

    pub(super) const fn is_shown() -> bool {
        false
    }

    pub(super) const fn show(&self, _event: &Event) {}

    pub(crate) fn of_work<T, F: Future<Output = T>>(self, work: F) -> F {
        work
    }
}
