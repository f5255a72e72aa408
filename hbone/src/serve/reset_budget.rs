use std::fmt;
use std::time::{Duration, Instant};

/// How often a client may take a CONNECT back before it was answered.
///
/// HEADERS and RST_STREAM cost a client two small frames and a server a lookup and a dial, and a stream that was reset no longer counts
/// against MAX_CONCURRENT_STREAMS: without a budget one client makes a server dial without end ("rapid reset", CVE-2023-44487). An
/// HTTP/2 library that counts resets of streams nobody has accepted does not help a server that accepts and serves at once.
///
/// A bucket: full at the start, one taken by each early reset, filled again at a steady rate. Ordinary clients give up a handful at a
/// time. One for each connection; call [`handle_early_reset`](Self::handle_early_reset) whenever the peer resets a stream before its
/// answer, that is wherever [`Serve::handle_reset`](super::Serve::handle_reset) is called for a stream. No timer is needed.
///
/// Specification: HBONE-Q-003.
#[derive(Clone)]
pub struct ResetBudget {
    burst: u32,
    /// How long one more takes to come; `None` if none ever does.
    interval: Option<Duration>,
    left: u32,
    /// Until when `left` has been counted.
    counted_at: Instant,
}

impl ResetBudget {
    /// A full budget of `burst` early resets, which fills again by `per_second`. A rate of zero never fills it.
    pub fn new(burst: u32, per_second: u32, now: Instant) -> Self {
        Self {
            burst,
            interval: Duration::from_secs(1).checked_div(per_second),
            left: burst,
            counted_at: now,
        }
    }

    /// The budget that nghttp2 gives too: a burst of 1,000, and 33 a second.
    pub fn with_defaults(now: Instant) -> Self {
        Self::new(1_000, 33, now)
    }

    /// The peer has reset a stream before it was answered. `false` if that was one too many: close the connection with
    /// [`Reason::ENHANCE_YOUR_CALM`](crate::Reason::ENHANCE_YOUR_CALM).
    #[must_use]
    pub fn handle_early_reset(&mut self, now: Instant) -> bool {
        self.refill(now);
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    fn refill(&mut self, now: Instant) {
        let Some(interval) = self.interval else {
            return;
        };
        let passed = now.saturating_duration_since(self.counted_at);
        let whole = passed.as_nanos().checked_div(interval.as_nanos());
        let came = whole.and_then(|came| u32::try_from(came).ok());
        let is_full = came.is_none_or(|came| came >= self.burst.saturating_sub(self.left));
        match came.filter(|_| !is_full) {
            // What is left of an interval counts for the next one.
            Some(came) => {
                self.left = self.left.saturating_add(came);
                self.counted_at += interval.saturating_mul(came);
            }
            None => {
                self.left = self.burst;
                self.counted_at = self.counted_at.max(now);
            }
        }
    }
}

impl fmt::Debug for ResetBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResetBudget({} of {} left)", self.left, self.burst)
    }
}
