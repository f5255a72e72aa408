use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};

use hbone::Cut;

/// What others want of a connection, for the task that drives it.
#[derive(Default)]
pub(crate) struct Orders(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    signals: u8,
    cut: Option<Cut>,
    driver: Option<Waker>,
}

impl Orders {
    pub(crate) fn handle(&self) -> ConnectionHandle {
        ConnectionHandle(Arc::downgrade(&self.0))
    }

    /// How often it was told to drain since the last call, and why it is to be cut if it is. The task is woken by the next
    /// order.
    pub(crate) fn take(&self, cx: &Context<'_>) -> (u8, Option<Cut>) {
        let mut state = lock(&self.0);
        match &mut state.driver {
            Some(driver) => driver.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        (std::mem::take(&mut state.signals), state.cut.take())
    }
}

/// Ends one connection from elsewhere. It keeps nothing alive.
///
/// Somebody must still be calling [`Connection::next`](crate::Connection::next), which carries it out.
#[derive(Clone)]
pub struct ConnectionHandle(Weak<Mutex<State>>);

impl ConnectionHandle {
    /// Drains the connection; a second time, or past the deadline, what is left is cut.
    pub fn drain(&self) {
        self.order(|state| state.signals = state.signals.saturating_add(1));
    }

    /// Cuts all its tunnels at once and closes it. Whoever reads or writes one is told why.
    pub fn cut(&self, cut: Cut) {
        self.order(|state| state.cut = state.cut.or(Some(cut)));
    }

    fn order(&self, order: impl FnOnce(&mut State)) {
        let Some(state) = self.0.upgrade() else {
            return;
        };
        let mut state = lock(&state);
        order(&mut state);
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing that can panic runs under the lock.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.0.strong_count() > 0 {
            "open"
        } else {
            "over"
        };
        write!(f, "ConnectionHandle({state})")
    }
}
