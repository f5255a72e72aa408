use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The handshakes that are under way, and who has to make room.
#[derive(Clone)]
pub(super) struct Handshakes(Arc<Inner>);

struct Inner {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// By age. Whoever's sender is dropped has to go.
    under_way: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Handshakes {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most: most.max(1),
            state: Mutex::default(),
        }))
    }

    /// One more begins; if there are too many, the oldest ends.
    pub(super) fn begin(&self) -> Turn {
        let (stay, evicted) = oneshot::channel();
        let mut state = self.state();
        if state.under_way.len() >= self.0.most {
            state.under_way.pop_first();
        }
        let id = state.next;
        state.next = state.next.wrapping_add(1);
        state.under_way.insert(id, stay);
        Turn {
            id,
            evicted,
            handshakes: self.clone(),
        }
    }

    pub(super) fn evict_all(&self) {
        self.state().under_way.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.state().under_way.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the handshakes, until it is dropped.
pub(super) struct Turn {
    id: u64,
    evicted: oneshot::Receiver<()>,
    handshakes: Handshakes,
}

impl Turn {
    /// Shakes hands; `None` if it had to make room for others.
    pub(super) async fn run<T>(mut self, handshake: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = handshake => Some(done),
            _ = &mut self.evicted => None,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let stay = self.handshakes.state().under_way.remove(&self.id);
        drop(stay);
    }
}
