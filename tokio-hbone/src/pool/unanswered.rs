use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many CONNECTs of a connection have no answer yet. A clone counts together with the original.
#[derive(Clone, Default)]
pub(super) struct Unanswered(Arc<AtomicUsize>);

impl Unanswered {
    pub(super) fn add(&self) {
        // Read only to choose between two right answers: no other memory hangs on it.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}
