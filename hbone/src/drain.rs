//! The orderly end of a connection.

mod action;
mod admission;
mod config;
mod end;

use std::fmt;
use std::time::Instant;

use crate::{ApiMisuse, Reason, Role};

pub use action::DrainAction;
pub use admission::Admission;
pub use config::{DrainConfig, LateStreams};
pub use end::DrainEnd;

/// The orderly end of one connection: nothing new, the old to its end, but not for ever.
///
/// A server says GOAWAY twice (RFC 9113 section 6.8): the first covers every stream id and announces the end, the second
/// names the last stream that is served, once the peer has had the time to learn of the first. A client has nothing to
/// announce, since only it opens streams. Both then wait for their streams; past the deadline, or at a second signal, what
/// is left is cut.
///
/// A stream that a peer opens in the meantime is refused with REFUSED_STREAM, which it may safely repeat on another
/// connection (RFC 9113 section 8.7); a 503 would be final. [`DrainConfig::late`] lets a server take those that were under
/// way when the announcement was made.
///
/// Call order: [`handle_stream`](Self::handle_stream) for each stream before it is looked at, and
/// [`handle_stream_end`](Self::handle_stream_end) once for each that was admitted; [`signal`](Self::signal) when the
/// program is asked to stop; [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) says so;
/// after each, [`poll_action`](Self::poll_action) until `None`.
///
/// Specification: HBONE-S-013, HBONE-R-002, HBONE-R-003, HBONE-R-005.
#[derive(Clone)]
pub struct Drain {
    role: Role,
    config: DrainConfig,
    streams: usize,
    phase: Phase,
    deadline: Option<Instant>,
    owed: Owed,
}

impl Drain {
    /// A connection that serves.
    pub const fn new(role: Role, config: DrainConfig) -> Self {
        Self {
            role,
            config,
            streams: 0,
            phase: Phase::Serving,
            deadline: None,
            owed: Owed::NOTHING,
        }
    }

    /// How many admitted streams have not ended.
    pub const fn streams(&self) -> usize {
        self.streams
    }

    /// Whether the end has begun (or is over).
    pub fn is_draining(&self) -> bool {
        self.phase != Phase::Serving
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<DrainEnd> {
        match self.phase {
            Phase::Over(end) => Some(end),
            _ => None,
        }
    }

    /// At a server, the peer opened a stream; at a client, we want to.
    #[must_use]
    pub fn handle_stream(&mut self) -> Admission {
        let admitted = match self.phase {
            Phase::Serving => true,
            Phase::Announced { .. } => self.config.late == LateStreams::Serve,
            Phase::Waiting | Phase::Over(_) => false,
        };
        if !admitted {
            return Admission::Refuse(Reason::REFUSED_STREAM);
        }
        self.streams = self.streams.saturating_add(1);
        Admission::Serve
    }

    /// An admitted stream has ended, in whatever way. Means nothing where the end has counted it: a connection that was
    /// lost takes its streams with it.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse`] if no admitted stream is left.
    pub fn handle_stream_end(&mut self) -> Result<(), ApiMisuse> {
        match self.streams.checked_sub(1) {
            Some(left) => {
                self.streams = left;
                self.close_if_idle();
                Ok(())
            }
            None if self.end().is_some() => Ok(()),
            None => Err(ApiMisuse::new(
                "Drain::handle_stream_end",
                "when every admitted stream has ended",
            )),
        }
    }

    /// The peer has answered the PING behind the announcement, so it knows of it. Means nothing at other times.
    pub fn handle_announced(&mut self) {
        if let Phase::Announced { .. } = self.phase {
            self.phase = Phase::Waiting;
            self.owed.finish = true;
            self.close_if_idle();
        }
    }

    /// The connection is gone: there is nothing left to end. The streams count as ended.
    pub fn handle_lost(&mut self) {
        self.streams = 0;
        self.owed = Owed::NOTHING;
        if self.end().is_none() {
            self.phase = Phase::Over(DrainEnd::Lost);
        }
    }

    /// Time has passed. Harmless when early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            // The peer has had all the time that there is to learn of the announcement. Without a stream nothing is left to cut.
            match self.streams {
                0 => self.handle_announced(),
                streams => self.abort(DrainEnd::TimedOut { streams }),
            }
        }
        if let Phase::Announced { until: Some(until) } = self.phase
            && until <= now
        {
            self.handle_announced();
        }
    }

    /// The program is to stop: the first signal drains, the second stops at once, further ones mean nothing.
    pub fn signal(&mut self, now: Instant) {
        match self.phase {
            Phase::Serving => self.begin(now),
            Phase::Announced { .. } | Phase::Waiting => self.abort(DrainEnd::Interrupted {
                streams: self.streams,
            }),
            Phase::Over(_) => {}
        }
    }

    /// What to do next; each action is given once, and nothing follows [`DrainAction::Close`] or [`DrainAction::Abort`].
    pub fn poll_action(&mut self) -> Option<DrainAction> {
        if std::mem::take(&mut self.owed.announce) {
            return Some(DrainAction::Announce);
        }
        if std::mem::take(&mut self.owed.finish) {
            return Some(DrainAction::Finish);
        }
        if !std::mem::take(&mut self.owed.end) {
            return None;
        }
        match self.end()? {
            DrainEnd::Clean | DrainEnd::Lost => Some(DrainAction::Close),
            DrainEnd::TimedOut { .. } | DrainEnd::Interrupted { .. } => Some(DrainAction::Abort),
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Serving | Phase::Over(_) => None,
            Phase::Announced { until: Some(until) } => {
                Some(self.deadline.map_or(until, |end| end.min(until)))
            }
            Phase::Announced { until: None } | Phase::Waiting => self.deadline,
        }
    }

    fn begin(&mut self, now: Instant) {
        self.deadline = now.checked_add(self.config.deadline);
        match self.role {
            Role::Server => {
                self.owed.announce = true;
                self.phase = Phase::Announced {
                    until: now.checked_add(self.config.announce),
                };
            }
            Role::Client => {
                self.phase = Phase::Waiting;
                self.close_if_idle();
            }
        }
    }

    fn close_if_idle(&mut self) {
        if self.phase == Phase::Waiting && self.streams == 0 {
            self.phase = Phase::Over(DrainEnd::Clean);
            self.owed.end = true;
        }
    }

    fn abort(&mut self, end: DrainEnd) {
        if self.end().is_none() {
            self.phase = Phase::Over(end);
            self.owed = Owed {
                end: true,
                ..Owed::NOTHING
            };
        }
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Serving => "serving",
            Phase::Announced { .. } => "announced",
            Phase::Waiting => "waiting",
            Phase::Over(_) => "over",
        };
        write!(
            f,
            "Drain({:?}, {phase}, {} streams)",
            self.role, self.streams
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// The first GOAWAY is due or out; the peer may not know of it.
    Announced {
        until: Option<Instant>,
    },
    /// Nothing new comes; the admitted streams run on.
    Waiting,
    Over(DrainEnd),
}

/// Actions that have not been polled.
#[derive(Clone, Copy)]
struct Owed {
    announce: bool,
    finish: bool,
    end: bool,
}

impl Owed {
    const NOTHING: Self = Self {
        announce: false,
        finish: false,
        end: false,
    };
}
