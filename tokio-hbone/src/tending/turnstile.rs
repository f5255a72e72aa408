use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use crate::copy::COPIED;

/// Lets as much into a turn as is encrypted and written while it is still in the processor's cache, however many tunnels there
/// are. Whoever has more leaves it where it is, and goes on in the next turn. A tunnel that has the turn for itself is not held
/// up: h2's buffer for it is the limit.
#[derive(Debug)]
pub(super) struct Turnstile {
    /// What this turn has taken so far.
    queued: AtomicUsize,
    /// What it takes before it is full.
    room: AtomicUsize,
    /// The only tunnel that has queued anything in this turn; [`NOBODY`], or [`SEVERAL`].
    sole: AtomicU32,
    /// In the order in which they came.
    waiting: Mutex<Vec<Weak<Mutex<Option<Waker>>>>>,
}

/// Where one tunnel waits for the next turn.
#[derive(Debug, Default)]
pub(crate) struct Place(Option<Arc<Mutex<Option<Waker>>>>);

/// How much a turn takes.
const ROOM: usize = COPIED;
/// How much at least for each of those that have waited for it: to wake them is not free either.
const SHARE: usize = 8 << 10;
/// No stream has this number (RFC 9113 section 5.1.1).
const NOBODY: u32 = 0;
/// Nor this one, which takes more than 31 bits.
const SEVERAL: u32 = u32::MAX;

impl Turnstile {
    /// So many bytes have been queued on `stream`.
    pub(super) fn queued(&self, stream: u32, some: usize) {
        self.queued.fetch_add(some, Ordering::Relaxed);
        let sole = self.sole.load(Ordering::Relaxed);
        if sole != stream {
            let sole = if sole == NOBODY { stream } else { SEVERAL };
            self.sole.store(sole, Ordering::Relaxed);
        }
    }

    /// Ready if the turn has room for more of `stream`; otherwise the task is woken in the next one.
    pub(super) fn poll_pass(&self, stream: u32, place: &mut Place, cx: &Context<'_>) -> Poll<()> {
        if !self.is_full(stream) {
            return Poll::Ready(());
        }
        let mut waiting = lock(&self.waiting);
        // Under the lock, so that the next turn either finds the place in the list, or has begun.
        if !self.is_full(stream) {
            return Poll::Ready(());
        }
        let place = place.0.get_or_insert_default();
        if lock(place).replace(cx.waker().clone()).is_none() {
            if waiting.len() == waiting.capacity() {
                waiting.retain(|place| place.strong_count() > 0);
            }
            waiting.push(Arc::downgrade(place));
        }
        Poll::Pending
    }

    /// Begins the next turn.
    pub(super) fn turn(&self) {
        let mut waiting = lock(&self.waiting);
        self.queued.store(0, Ordering::Relaxed);
        self.sole.store(NOBODY, Ordering::Relaxed);
        let shares = waiting.len().saturating_mul(SHARE);
        self.room.store(ROOM.max(shares), Ordering::Relaxed);
        let waiting = std::mem::take(&mut *waiting);
        for place in waiting.iter().filter_map(Weak::upgrade) {
            let waker = lock(&place).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn is_full(&self, stream: u32) -> bool {
        self.sole.load(Ordering::Relaxed) != stream
            && self.queued.load(Ordering::Relaxed) >= self.room.load(Ordering::Relaxed)
    }
}

impl Default for Turnstile {
    fn default() -> Self {
        Self {
            queued: AtomicUsize::new(0),
            room: AtomicUsize::new(ROOM),
            sole: AtomicU32::new(NOBODY),
            waiting: Mutex::default(),
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs under the lock.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use super::{Place, ROOM, SHARE, Turnstile};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Woken>, Waker) {
        let woken = Arc::new(Woken::default());
        (Arc::clone(&woken), Waker::from(woken))
    }

    fn times(woken: &Woken) -> usize {
        woken.0.load(Ordering::Relaxed)
    }

    #[test]
    fn whoever_finds_a_turn_full_is_woken_once_by_the_next() {
        let (turnstile, mut place) = (Turnstile::default(), Place::default());
        let (first, second) = (task(), task());
        let pass = |place: &mut Place, waker: &Waker| {
            let cx = Context::from_waker(waker);
            turnstile.poll_pass(3, place, &cx).is_ready()
        };
        turnstile.queued(1, ROOM - 1);
        assert!(pass(&mut place, &first.1));
        turnstile.queued(1, 1);
        // The task that asked last is the one that waits.
        assert!(!pass(&mut place, &first.1));
        assert!(!pass(&mut place, &second.1));
        turnstile.turn();
        assert_eq!((times(&first.0), times(&second.0)), (0, 1));
        assert!(pass(&mut place, &second.1));
        turnstile.turn();
        assert_eq!(times(&second.0), 1);
    }

    #[test]
    fn a_tunnel_is_held_up_only_by_others() {
        let (turnstile, mut place) = (Turnstile::default(), Place::default());
        let cx = Context::from_waker(Waker::noop());
        turnstile.queued(1, 2 * ROOM);
        assert!(turnstile.poll_pass(1, &mut place, &cx).is_ready());
        turnstile.queued(3, 1);
        turnstile.queued(1, 1);
        assert!(turnstile.poll_pass(1, &mut place, &cx).is_pending());
        turnstile.turn();
        turnstile.queued(1, ROOM);
        assert!(turnstile.poll_pass(1, &mut place, &cx).is_ready());
    }

    #[test]
    fn a_turn_has_a_share_for_each_who_waited_and_none_for_who_has_gone() {
        const MANY: usize = 2 * ROOM / SHARE;
        let (turnstile, (woken, waker)) = (Turnstile::default(), task());
        let cx = Context::from_waker(&waker);
        turnstile.queued(1, ROOM);
        let mut places: Vec<Place> = Vec::new();
        places.resize_with(MANY, Place::default);
        for place in &mut places {
            assert!(turnstile.poll_pass(3, place, &cx).is_pending());
        }
        places.pop();
        turnstile.turn();
        assert_eq!(times(&woken), MANY - 1);
        turnstile.queued(1, MANY * SHARE - 1);
        assert!(turnstile.poll_pass(3, &mut places[0], &cx).is_ready());
        turnstile.queued(1, 1);
        assert!(turnstile.poll_pass(3, &mut places[0], &cx).is_pending());
    }
}
