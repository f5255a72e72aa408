use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::server::SendResponse;
use hbone::{Cut, Lifecycle, Reason, Role, StreamAction};

use crate::observe::Watch;

/// The streams of one connection that somebody still holds, as a CONNECT without an answer or as a tunnel that is not over.
#[derive(Clone, Default)]
pub(crate) struct Roster(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    entries: BTreeMap<u32, Arc<Entry>>,
    early_resets: u32,
    driver: Option<Waker>,
}

/// What the holder of a stream and those who may end it share.
struct Entry {
    /// h2 takes a reset through any of a stream's handles, and wakes the holders of all others.
    respond: Mutex<SendResponse<Bytes>>,
    cut: OnceLock<Cut>,
    stream: u32,
    watch: Watch,
}

impl Roster {
    /// Enters a stream that has just been accepted.
    pub(crate) fn enter(&self, respond: SendResponse<Bytes>, watch: &Watch) -> Hold {
        let id = respond.stream_id().as_u32();
        let entry = Arc::new(Entry {
            respond: Mutex::new(respond),
            cut: OnceLock::new(),
            stream: id,
            watch: watch.clone(),
        });
        self.state().entries.insert(id, Arc::clone(&entry));
        Hold {
            id,
            entry,
            roster: self.clone(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.state().entries.len()
    }

    /// Ends every stream.
    pub(crate) fn cut_all(&self, cut: Cut) {
        let entries: Vec<_> = self.state().entries.values().cloned().collect();
        for entry in entries {
            entry.cut(cut);
        }
    }

    /// How many CONNECTs were taken back before their answer since the last call. The task is woken by more of them, and
    /// whenever a stream is let go.
    pub(crate) fn early_resets(&self, cx: &Context<'_>) -> u32 {
        let mut state = self.state();
        match &mut state.driver {
            Some(driver) => driver.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        std::mem::take(&mut state.early_resets)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Only the first reason counts.
    fn cut(&self, cut: Cut) {
        if self.cut.set(cut).is_ok()
            && let Some(reason) = reset_reason(cut)
        {
            self.respond().send_reset(reason.to_wire().into());
            self.watch.reset_sent(self.stream, reason);
        }
    }

    fn respond(&self) -> MutexGuard<'_, SendResponse<Bytes>> {
        self.respond.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the peer is told when a tunnel is cut, as [`Lifecycle`] has it.
fn reset_reason(cut: Cut) -> Option<Reason> {
    let mut life = Lifecycle::new(Role::Server);
    life.cut(cut);
    match life.poll_stream() {
        Some(StreamAction::Reset(reason)) => Some(reason),
        _ => None,
    }
}

/// A stream in a [`Roster`]; dropping it takes the stream out. It is held by whoever owns the stream.
pub(crate) struct Hold {
    id: u32,
    entry: Arc<Entry>,
    roster: Roster,
}

impl Hold {
    /// Why the stream was cut from elsewhere, if it was.
    pub(crate) fn was_cut(&self) -> Option<Cut> {
        self.entry.cut.get().copied()
    }

    /// What the stream is answered through.
    pub(crate) fn respond(&self) -> MutexGuard<'_, SendResponse<Bytes>> {
        self.entry.respond()
    }

    /// Whether the client has taken the CONNECT back, which it may do only so often.
    pub(crate) fn count_if_taken_back(&self) {
        let mut cx = Context::from_waker(Waker::noop());
        let reset = self.respond().poll_reset(&mut cx);
        if self.was_cut().is_none()
            && let Poll::Ready(Ok(reason)) = reset
        {
            let reason = Reason::from_wire(reason.into());
            self.entry.watch.reset_received(self.id, reason);
            let mut state = self.roster.state();
            state.early_resets = state.early_resets.saturating_add(1);
        }
    }

    /// Ends the stream from here.
    pub(crate) fn cut(&self, cut: Cut) {
        self.entry.cut(cut);
    }

    /// A handle for somebody else.
    pub(crate) fn handle(&self) -> TunnelHandle {
        TunnelHandle(Arc::downgrade(&self.entry))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.roster.state();
        let entry = state.entries.remove(&self.id);
        let driver = state.driver.take();
        drop(state);
        drop(entry);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hold(stream {})", self.id)
    }
}

/// Ends one tunnel from elsewhere. It keeps nothing alive.
#[derive(Clone)]
pub struct TunnelHandle(Weak<Entry>);

impl TunnelHandle {
    /// Of a tunnel that is over.
    pub(crate) const fn ended() -> Self {
        Self(Weak::new())
    }

    /// Cuts the tunnel: the client sees a reset, and whoever reads or writes here the error
    /// [`TunnelError::Cut`](hbone::TunnelError::Cut). Nothing happens if it has ended.
    pub fn cut(&self, cut: Cut) {
        if let Some(entry) = self.0.upgrade() {
            entry.cut(cut);
        }
    }

    /// Whether there is something to cut: somebody holds the CONNECT or the tunnel, and a half of it has not come to its end there.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl fmt::Debug for TunnelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_open() { "open" } else { "ended" };
        write!(f, "TunnelHandle({state})")
    }
}
