use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a peer has shown life since somebody last asked, and whether it ever can again.
///
/// Flags and no counts: it costs one store a read, whatever the traffic. Whoever asks runs in the task that reads, so that no
/// other memory hangs on them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    beat: AtomicBool,
    stopped: AtomicBool,
}

impl Pulse {
    /// The peer has shown life.
    pub(crate) fn beat(&self) {
        self.0.beat.store(true, Ordering::Relaxed);
    }

    /// Nothing will come any more: the end of the bytes, or a failure.
    pub(crate) fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it has beaten since the last call.
    pub(crate) fn take(&self) -> bool {
        self.0.beat.load(Ordering::Relaxed) && self.0.beat.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }
}
