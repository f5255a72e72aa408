use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far a request is, for those who carry its body and those who wait for its answer.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    sent: AtomicU64,
    answered: AtomicBool,
    whole: AtomicBool,
    broken: OnceLock<Broken>,
    /// Since when the server is waited for, in nanoseconds from the beginning; [`CLIENT`] while the client is.
    turn: AtomicU64,
}

/// What was wrong with the body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// It was larger than is allowed.
    TooLarge,
    /// It paused for longer than is allowed.
    TooSlow,
    /// Its client broke it off.
    ClientGone,
    /// It is not framed as its version of HTTP has it.
    Malformed(String),
    /// The trailers behind it were more than is allowed.
    Trailers,
}

const CLIENT: u64 = u64::MAX;

impl Progress {
    pub(super) fn add(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many bytes of the body have been sent on.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The server has begun to answer.
    pub(super) fn handle_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// The server would take more of the body, and the client has not sent it yet.
    pub(super) fn handle_wanted(&self) {
        self.turn.store(CLIENT, Ordering::Relaxed);
    }

    /// Something has come from the client, or nothing more is wanted of it: the server is to do something about it.
    pub(super) fn handle_handed(&self) {
        let since = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(CLIENT - 1);
        self.turn.store(since.min(CLIENT - 1), Ordering::Relaxed);
    }

    /// All of the request has come from the client.
    pub(super) fn handle_whole(&self) {
        self.whole.store(true, Ordering::Relaxed);
        self.handle_handed();
    }

    pub(super) fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }

    /// For how long the server has been waited for; `None` while the client is.
    pub(super) fn waited(&self) -> Option<Duration> {
        let since = self.turn.load(Ordering::Relaxed);
        let waited = || {
            self.began
                .elapsed()
                .saturating_sub(Duration::from_nanos(since))
        };
        (since != CLIENT).then(waited)
    }

    /// Says what is wrong; the first word counts.
    pub(super) fn break_off(&self, broken: Broken) {
        let _ = self.broken.set(broken);
    }

    pub(super) fn broken(&self) -> Option<&Broken> {
        self.broken.get()
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            sent: AtomicU64::new(0),
            answered: AtomicBool::new(false),
            whole: AtomicBool::new(false),
            broken: OnceLock::new(),
            turn: AtomicU64::new(0),
        }
    }
}
