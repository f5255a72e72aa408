use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hbone::{Cut, Identity};

use crate::connection::ConnectionHandle;

/// Who is connected.
pub(super) struct Census {
    most_per_peer: usize,
    tunnels: Arc<AtomicUsize>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// By peer first, so that one peer's are together.
    members: BTreeMap<Identity, BTreeMap<u64, ConnectionHandle>>,
    /// How often all were told to drain.
    signals: usize,
}

impl Census {
    pub(super) fn new(most_per_peer: usize) -> Self {
        Self {
            most_per_peer,
            tunnels: Arc::default(),
            state: Mutex::default(),
        }
    }

    /// Enters a connection; `None` if its peer has too many.
    pub(super) fn enter(
        self: &Arc<Self>,
        peer: &Identity,
        handle: ConnectionHandle,
    ) -> Option<Member> {
        let mut state = self.state();
        let id = state.next;
        state.next = state.next.wrapping_add(1);
        for _ in 0..state.signals {
            handle.drain();
        }
        let of_peer = state.members.entry(peer.clone()).or_default();
        if of_peer.len() >= self.most_per_peer {
            if of_peer.is_empty() {
                state.members.remove(peer);
            }
            return None;
        }
        of_peer.insert(id, handle);
        Some(Member {
            id,
            peer: peer.clone(),
            census: Arc::clone(self),
        })
    }

    /// Tells all connections, those to come included, to drain.
    pub(super) fn drain(&self) {
        let mut state = self.state();
        state.signals = state.signals.saturating_add(1);
        for handle in state.members.values().flat_map(BTreeMap::values) {
            handle.drain();
        }
    }

    pub(super) fn cut_all(&self, cut: Cut) {
        for handle in self.state().members.values().flat_map(BTreeMap::values) {
            handle.cut(cut);
        }
    }

    pub(super) fn cut_peer(&self, peer: &Identity, cut: Cut) {
        for handle in self.state().members.get(peer).into_iter().flatten() {
            handle.1.cut(cut);
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.state().members.values().map(BTreeMap::len).sum()
    }

    pub(super) fn tunnels(&self) -> usize {
        self.tunnels.load(Ordering::Relaxed)
    }

    /// Counts one more tunnel until what it returns is dropped.
    pub(super) fn count_tunnel(&self) -> CountedTunnel {
        self.tunnels.fetch_add(1, Ordering::Relaxed);
        CountedTunnel(Arc::clone(&self.tunnels))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in the census, until it is dropped.
pub(super) struct Member {
    id: u64,
    peer: Identity,
    census: Arc<Census>,
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.census.state();
        if let Some(of_peer) = state.members.get_mut(&self.peer) {
            of_peer.remove(&self.id);
            if of_peer.is_empty() {
                state.members.remove(&self.peer);
            }
        }
    }
}

/// One in the count of tunnels.
pub(super) struct CountedTunnel(Arc<AtomicUsize>);

impl Drop for CountedTunnel {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
