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
    /// By age. Whoever's sender is dropped has to make room; whoever's is used goes with the server.
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

    /// The server ends, and no more begin.
    pub(super) fn end_all(&self) {
        let under_way = std::mem::take(&mut self.state().under_way);
        for stay in under_way.into_values() {
            // One that is done at this moment does not listen any more.
            let _ = stay.send(());
        }
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
    /// Shakes hands, unless it has to end before.
    pub(super) async fn run<T>(mut self, handshake: impl Future<Output = T>) -> Result<T, Evicted> {
        tokio::select! {
            done = handshake => Ok(done),
            ended = &mut self.evicted => Err(match ended {
                Ok(()) => Evicted::AtTheEnd,
                Err(_) => Evicted::ForRoom,
            }),
        }
    }
}

/// Why a handshake has ended that was under way.
pub(super) enum Evicted {
    /// It was the oldest, and others wanted to begin.
    ForRoom,
    /// The server ends.
    AtTheEnd,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let stay = self.handshakes.state().under_way.remove(&self.id);
        drop(stay);
    }
}
