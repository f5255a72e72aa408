use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// How far a request is, for those who carry its body and those who wait for its answer.
#[derive(Debug, Default)]
pub(super) struct Progress {
    sent: AtomicU64,
    answered: AtomicBool,
    broken: AtomicU8,
}

/// What was wrong with the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It was larger than is allowed.
    TooLarge = 1,
    /// It paused for longer than is allowed.
    TooSlow = 2,
    /// Its client broke it off.
    ClientGone = 3,
}

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

    pub(super) fn break_off(&self, broken: Broken) {
        self.broken.store(broken as u8, Ordering::Relaxed);
    }

    pub(super) fn broken(&self) -> Option<Broken> {
        match self.broken.load(Ordering::Relaxed) {
            1 => Some(Broken::TooLarge),
            2 => Some(Broken::TooSlow),
            3 => Some(Broken::ClientGone),
            _ => None,
        }
    }
}
