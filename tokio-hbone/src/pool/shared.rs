use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hbone::pool::{PoolConfig, Spread};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::event::PoolEvent;
use super::grant::{Answer, Grant, Waiting};
use super::key::Key;
use super::state::{Found, State};
use super::stats::PoolStats;
use super::timer;
use crate::connector::Connector;
use crate::deadline::now;

/// What the handles, the tasks and the tunnels of a pool share.
pub(super) struct Shared {
    pub(super) connector: Connector,
    pub(super) spread: Option<Spread>,
    state: Mutex<State>,
    home: Mutex<Option<Home>>,
    timer: Arc<Notify>,
    drained: Notify,
}

/// Where the tasks of a pool run, as long as it is there.
struct Home {
    runtime: Handle,
    timer: AbortHandle,
}

impl Shared {
    pub(super) fn new(connector: Connector, config: PoolConfig, spread: Option<Spread>) -> Self {
        let state = State::new(config, connector.link.monitor.clone());
        Self {
            connector,
            spread,
            state: Mutex::new(state),
            home: Mutex::default(),
            timer: Arc::default(),
            drained: Notify::new(),
        }
    }

    /// A stream on a connection for `key`, now or when there is one.
    pub(super) async fn check_out(self: &Arc<Self>, key: Key, spread: Option<Spread>) -> Answer {
        self.start();
        let spread = spread.filter(|_| key.level() > 0);
        let found = self.with(|state, now| state.check_out(key, spread, now))?;
        match found {
            Found::Ready(ticket, connection, on) => {
                Ok(Grant::new(Arc::clone(self), ticket, connection, on))
            }
            Found::Waiting(ticket, answer) => {
                Waiting::new(Arc::clone(self), ticket, answer)
                    .answer()
                    .await
            }
        }
    }

    /// Does something to the pool, and what follows from it.
    pub(super) fn with<T>(self: &Arc<Self>, work: impl FnOnce(&mut State, Instant) -> T) -> T {
        let mut errands = Vec::new();
        let (done, is_earlier, is_drained) = {
            let mut state = self.lock();
            let done = work(&mut state, now());
            state.settle(&mut errands);
            (done, state.is_due_earlier(), state.is_drained())
        };
        if is_earlier {
            self.timer.notify_one();
        }
        if is_drained {
            self.drained.notify_waiters();
        }
        for errand in errands {
            errand.run(self);
        }
        done
    }

    /// When the timer is to wake up next.
    pub(super) fn arm(&self) -> Option<Instant> {
        self.lock().arm()
    }

    pub(super) fn stats(&self) -> PoolStats {
        PoolStats {
            transport: self.connector.stats(),
            ..self.lock().stats()
        }
    }

    /// Waits until nothing is left of a pool that drains.
    pub(super) async fn drained(&self) {
        loop {
            let drained = self.drained.notified();
            if self.lock().is_drained() {
                return;
            }
            drained.await;
        }
    }

    pub(super) fn tell(&self, event: PoolEvent) {
        self.connector.link.monitor.pool(event);
    }

    /// Starts a task where the others run, from wherever.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Nothing is ever dialled before the first use.
        let runtime = self.home().as_ref().map(|home| home.runtime.clone());
        if let Some(runtime) = runtime {
            runtime.spawn(task);
        }
    }

    /// Makes the runtime of the caller the home of all tasks, unless there is one: it may have ended, and all tasks with it.
    fn start(self: &Arc<Self>) {
        let mut home = self.home();
        if home.as_ref().is_none_or(|home| home.timer.is_finished()) {
            let runtime = Handle::current();
            let timer = timer::run(Arc::downgrade(self), Arc::clone(&self.timer));
            let timer = runtime.spawn(timer).abort_handle();
            *home = Some(Home { runtime, timer });
        }
    }

    fn home(&self) -> MutexGuard<'_, Option<Home>> {
        // Whoever has no runtime panics before anything is changed.
        self.home.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of a caller's runs under the lock, so that a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.timer.notify_one();
    }
}
