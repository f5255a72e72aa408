use std::time::{Duration, Instant};

/// How long a tunnel may stay half-closed with nothing moving in the other half.
///
/// TCP lets one direction be closed and the other live on for ever, and so does HTTP/2. Peers that never close their
/// half hold two descriptors and a stream each, so a server may want a limit. The limit counts from the later of the
/// half-close and the last byte in the other half, so that a slow download after an early FIN is never cut.
///
/// Call order: [`handle_half_closed`](Self::handle_half_closed) when the first half ends,
/// [`handle_bytes`](Self::handle_bytes) whenever bytes move (at any time), [`handle_timeout`](Self::handle_timeout)
/// when [`poll_timeout`](Self::poll_timeout) says so; on `true`,
/// [`Lifecycle::cut`](crate::Lifecycle::cut) with [`Cut::HalfClosedTooLong`](crate::Cut::HalfClosedTooLong).
///
/// Specification: HBONE-L-012.
#[derive(Debug, Clone)]
pub struct HalfClose {
    limit: Option<Duration>,
    since: Option<Instant>,
}

impl HalfClose {
    /// A limit; `None` lets a half-closed tunnel live for ever, which is the default of every peer we know.
    pub const fn new(limit: Option<Duration>) -> Self {
        Self { limit, since: None }
    }

    /// The first half has ended.
    pub fn handle_half_closed(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// Bytes moved in either direction.
    pub fn handle_bytes(&mut self, now: Instant) {
        if self.since.is_some() {
            self.since = Some(now);
        }
    }

    /// Time has passed: `true` if the tunnel is to be cut. Harmless when early or repeated.
    #[must_use]
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        self.poll_timeout().is_some_and(|deadline| deadline <= now)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` without a limit or before a half-close.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.since?.checked_add(self.limit?)
    }
}
