//! What the driver of a connection does for its tunnels between two polls of h2.

mod frame_meter;
mod turnstile;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use h2::StreamId;
use tokio::runtime::Handle;

use crate::tunnel::Ends;
pub(crate) use frame_meter::FrameMeter;
pub(crate) use turnstile::Place;
use turnstile::Turnstile;

/// The tunnels of one connection, for whoever drives it.
///
/// h2 makes a frame of each write, and counts each small frame that nobody has read against the whole connection. So a
/// tunnel holds small writes back while an earlier one is still on its way to the socket, and small frames that wait for a
/// reader are put together. Both need somebody who comes by when the owner of the tunnel does not: the driver, which is
/// awake at these moments anyhow. No task and no timer is added.
///
/// Time is counted in turns: one is over when h2 has been polled and the socket had taken all there was before. What was queued
/// in an earlier turn has left h2.
#[derive(Clone, Debug)]
pub(crate) struct Tending(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Where the connection was made, and is driven; `None` outside of tokio.
    runtime: Option<Handle>,
    turn: AtomicU64,
    /// The socket has refused bytes, and has not been flushed since.
    is_full: AtomicBool,
    gathering_due: AtomicBool,
    heads: AtomicU64,
    turnstile: Turnstile,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tunnels: Vec<Weak<Mutex<Ends>>>,
    /// Those that hold back bytes.
    holding: Vec<Weak<Mutex<Ends>>>,
    driver: Option<Waker>,
}

impl Tending {
    /// For a connection that is being made here.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            runtime: Handle::try_current().ok(),
            ..Shared::default()
        }))
    }

    /// Where work for a tunnel goes on that its owner has let go, wherever that was.
    pub(crate) fn runtime(&self) -> Option<&Handle> {
        self.0.runtime.as_ref()
    }

    /// Enters a tunnel, until it is dropped.
    pub(crate) fn enter(&self, tunnel: &Arc<Mutex<Ends>>) {
        let mut state = self.state();
        if state.tunnels.len() == state.tunnels.capacity() {
            state.tunnels.retain(|tunnel| tunnel.strong_count() > 0);
        }
        state.tunnels.push(Arc::downgrade(tunnel));
    }

    pub(crate) fn turn(&self) -> u64 {
        self.0.turn.load(Ordering::Acquire)
    }

    /// Has the driver come by for what `tunnel` is about to hold back, unless `turn` is over: then nothing is in the way.
    pub(crate) fn hold(&self, tunnel: &Arc<Mutex<Ends>>, turn: u64) -> bool {
        let mut state = self.state();
        if turn != self.turn() {
            return false;
        }
        state.holding.push(Arc::downgrade(tunnel));
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        true
    }

    /// So many bytes of `stream` are with h2, or will be when the driver comes by.
    pub(crate) fn queued(&self, stream: StreamId, some: usize) {
        self.0.turnstile.queued(stream.into(), some);
    }

    /// Ready unless this turn has enough to send already; then the task is woken in the next one.
    pub(crate) fn poll_turn(
        &self,
        stream: StreamId,
        place: &mut Place,
        cx: &Context<'_>,
    ) -> Poll<()> {
        let passed = self.0.turnstile.poll_pass(stream.into(), place, cx);
        if passed.is_pending() {
            // What filled the turn may have left already, or be lost with its stream: a next turn has to come all the same.
            let driver = self.state().driver.take();
            if let Some(driver) = driver {
                driver.wake();
            }
        }
        passed
    }

    /// What the socket below has to say.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.0.is_full.store(is_full, Ordering::Relaxed);
    }

    /// Many small frames have come: it is time to look for those that nobody reads.
    pub(crate) fn gather_soon(&self) {
        self.0.gathering_due.store(true, Ordering::Relaxed);
    }

    /// How many heads the peer has sent, whether h2 has given them out or not.
    pub(crate) fn heads(&self) -> u64 {
        self.0.heads.load(Ordering::Relaxed)
    }

    pub(crate) fn set_heads(&self, heads: u64) {
        self.0.heads.store(heads, Ordering::Relaxed);
    }

    /// To be called whenever h2 has been polled and has nothing more to do, with what flushes the socket. `true` if h2 is to be
    /// polled again; only after a `false` has all been flushed.
    pub(crate) fn tend_and(
        &self,
        cx: &mut Context<'_>,
        flush: impl FnOnce(&mut Context<'_>),
    ) -> bool {
        // What was held back leaves in one go with what was in its way.
        if self.tend(cx) {
            return true;
        }
        let was_full = self.is_full();
        flush(cx);
        // There is room again, for what h2 could not write, too.
        was_full && !self.is_full()
    }

    fn tend(&self, cx: &Context<'_>) -> bool {
        let is_over = !self.is_full();
        let mut state = self.state();
        match &mut state.driver {
            Some(driver) => driver.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        let gathering = self.0.gathering_due.swap(false, Ordering::Relaxed);
        let gathering = gathering.then(|| state.tunnels.clone());
        let holding = if is_over {
            // Under the lock, so that a tunnel either is in the list now, or sees the new turn.
            self.0.turn.fetch_add(1, Ordering::Release);
            std::mem::take(&mut state.holding)
        } else {
            Vec::new()
        };
        drop(state);
        if is_over {
            self.0.turnstile.turn();
        }
        let mut moved = gathering.is_some();
        for tunnel in alive(gathering.unwrap_or_default()) {
            Ends::lock(&tunnel).inbound.gather();
        }
        for tunnel in alive(holding) {
            moved |= Ends::lock(&tunnel).outbound.let_go(self.turn());
        }
        moved
    }

    /// Whether the socket has refused bytes that are still to be written.
    pub(crate) fn is_full(&self) -> bool {
        self.0.is_full.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn alive(tunnels: Vec<Weak<Mutex<Ends>>>) -> impl Iterator<Item = Arc<Mutex<Ends>>> {
    tunnels.into_iter().filter_map(|tunnel| tunnel.upgrade())
}
