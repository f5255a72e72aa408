use std::fmt;
use std::time::Instant;

use super::{DialAction, DialCause, DialError, DialLimits};
use crate::ApiMisuse;
use crate::EstablishError;
use crate::LinkFailure;
use crate::RequestError;
use crate::Route;

/// One walk over a [`Route`] to the innermost tunnel; it ends exactly once.
///
/// It begins at the innermost level: if a connection to that peer is at hand, one CONNECT on it is all. If not, the
/// level above has to open a tunnel first, and so on outwards; then it comes back inwards, making a connection inside
/// each tunnel. A single level is the ordinary case of the same walk.
///
/// ```text
///  Checkout(1) --miss--> Checkout(0) --miss--> Establish(0) --> Request(0)
///      | hit                 | hit --------------------------------^ |
///      |                                                             v
///      +------------------> Request(1) <---------------------- Establish(1)
/// ```
///
/// Call [`poll`](Self::poll) until it gives `None`, carry out what it says, and report with the `handle_*` of the same
/// name. [`cancel`](Self::cancel) may come at any point, and reports that come after the end are ignored.
///
/// ```
/// use std::time::Instant;
/// use hbone::{Connect, Dial, DialAction, DialLimits, ExpectedIdentities, Hop, Identity, Route};
///
/// let who = ExpectedIdentities::from(Identity::parse("spiffe://cluster.local/ns/default/sa/server")?);
/// let route = Route::new("10.0.0.2:15008".parse()?, Hop::new(Connect::new("10.0.0.2:80".parse()?), who));
/// let mut dial = Dial::new(&route, DialLimits::default(), Instant::now());
/// assert_eq!(dial.poll(), Some(DialAction::Checkout { level: 0, elsewhere: false }));
/// dial.handle_checkout(0, false)?;
/// assert_eq!(dial.poll(), Some(DialAction::Establish { level: 0 }));
/// dial.handle_establish(0, Ok(()))?;
/// assert_eq!(dial.poll(), Some(DialAction::Request { level: 0 }));
/// dial.handle_request(0, Ok(()))?;
/// assert_eq!(dial.poll(), Some(DialAction::Ended(Ok(()))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Specification: HBONE-C-010, HBONE-D-003, HBONE-D-007.
pub struct Dial {
    hops: usize,
    limits: DialLimits,
    deadline: Option<Instant>,
    level: usize,
    step: Step,
    asked: bool,
    reused: bool,
    retries: u8,
    abandon: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Checkout { elsewhere: bool },
    Establish,
    Request,
    Over(Result<(), DialError>),
    Ended,
}

impl Dial {
    /// A walk over `route` that begins at `now`.
    #[must_use]
    pub fn new(route: &Route, limits: DialLimits, now: Instant) -> Self {
        let hops = route.len();
        Self {
            hops,
            limits,
            deadline: now.checked_add(limits.total),
            level: hops - 1,
            step: Step::Checkout { elsewhere: false },
            asked: false,
            reused: false,
            retries: limits.retries,
            abandon: false,
        }
    }

    /// The level that is being worked on.
    #[must_use]
    pub const fn level(&self) -> usize {
        self.level
    }

    /// Whether a connection to the peer of `level` was `found`.
    ///
    /// # Errors
    /// [`ApiMisuse`] if that was not what the last action asked for, and the walk is not over.
    pub fn handle_checkout(&mut self, level: usize, found: bool) -> Result<(), ApiMisuse> {
        let may_answer = matches!(self.step, Step::Checkout { .. });
        if !self.is_answer("handle_checkout", level, may_answer)? {
            return Ok(());
        }
        if found {
            self.reused = true;
            self.enter(level, Step::Request);
        } else if level == 0 {
            self.enter(0, Step::Establish);
        } else {
            self.enter(level - 1, Step::Checkout { elsewhere: false });
        }
        Ok(())
    }

    /// Looking for a connection to the peer of `level` ended the walk: it waited for somebody else's attempt and shares its
    /// failure, which may lie further out, or a pool has no stream to give. `error` counts levels as this walk does.
    ///
    /// # Errors
    /// [`ApiMisuse`] if that was not what the last action asked for, and the walk is not over.
    pub fn handle_checkout_failed(
        &mut self,
        level: usize,
        error: DialError,
    ) -> Result<(), ApiMisuse> {
        let may_answer = matches!(self.step, Step::Checkout { .. });
        if self.is_answer("handle_checkout_failed", level, may_answer)? {
            self.enter(level, Step::Over(Err(error)));
        }
        Ok(())
    }

    /// There is a connection to the peer of `level` now, or none and why. Also the answer to a checkout that waited for
    /// somebody else's attempt and shares its failure.
    ///
    /// # Errors
    /// [`ApiMisuse`] if that was not what the last action asked for, and the walk is not over.
    pub fn handle_establish(
        &mut self,
        level: usize,
        outcome: Result<(), EstablishError>,
    ) -> Result<(), ApiMisuse> {
        let may_answer = match self.step {
            Step::Establish => true,
            Step::Checkout { .. } => outcome.is_err(),
            _ => false,
        };
        if !self.is_answer("handle_establish", level, may_answer)? {
            return Ok(());
        }
        match outcome {
            Ok(()) => {
                self.reused = false;
                self.enter(level, Step::Request);
            }
            Err(error) => self.over(Err(DialCause::Establish(error))),
        }
        Ok(())
    }

    /// The CONNECT of `level` was answered: a tunnel, or none and why.
    ///
    /// # Errors
    /// [`ApiMisuse`] if that was not what the last action asked for, and the walk is not over.
    pub fn handle_request(
        &mut self,
        level: usize,
        outcome: Result<(), RequestError>,
    ) -> Result<(), ApiMisuse> {
        let may_answer = self.step == Step::Request;
        if !self.is_answer("handle_request", level, may_answer)? {
            return Ok(());
        }
        match outcome {
            Ok(()) if level + 1 == self.hops => self.over(Ok(())),
            Ok(()) => self.enter(level + 1, Step::Establish),
            Err(error) if self.retries > 0 && self.may_retry(&error) => {
                self.retries -= 1;
                self.enter(level, Step::Checkout { elsewhere: true });
            }
            Err(error) => self.over(Err(DialCause::Request(error))),
        }
        Ok(())
    }

    /// Time has passed. Harmless if early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| now >= deadline) {
            self.give_up(DialCause::TimedOut(self.limits.total));
        }
    }

    /// Nobody wants the tunnel any more. Harmless once the walk is over.
    pub fn cancel(&mut self) {
        self.give_up(DialCause::Cancelled);
    }

    /// What to do next; call it until it gives `None`, and after every `handle_*` and [`cancel`](Self::cancel).
    #[must_use]
    pub fn poll(&mut self) -> Option<DialAction> {
        let level = self.level;
        if std::mem::take(&mut self.abandon) {
            return Some(DialAction::Abandon { level });
        }
        if self.asked {
            return None;
        }
        self.asked = true;
        match &self.step {
            Step::Checkout { elsewhere } => Some(DialAction::Checkout {
                level,
                elsewhere: *elsewhere,
            }),
            Step::Establish => Some(DialAction::Establish { level }),
            Step::Request => Some(DialAction::Request { level }),
            Step::Over(outcome) => {
                let ended = DialAction::Ended(outcome.clone());
                self.step = Step::Ended;
                Some(ended)
            }
            Step::Ended => None,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` once the walk is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.is_over())
    }

    const fn is_over(&self) -> bool {
        matches!(self.step, Step::Over(_) | Step::Ended)
    }

    /// A connection that was taken from earlier may have died unnoticed; no byte of the caller has been sent on it, so
    /// asking once more on another one is as safe as after a refused stream. A peer that broke the protocol was there.
    const fn may_retry(&self, error: &RequestError) -> bool {
        let died = matches!(
            error,
            RequestError::Lost(LinkFailure::Closed | LinkFailure::Io(_))
        );
        error.is_safe_to_retry() || (self.reused && died)
    }

    fn give_up(&mut self, cause: DialCause) {
        if !self.is_over() {
            self.abandon = self.asked;
            self.over(Err(cause));
        }
    }

    fn over(&mut self, outcome: Result<(), DialCause>) {
        let (level, hops) = (self.level, self.hops);
        self.enter(
            level,
            Step::Over(outcome.map_err(|cause| DialError { level, hops, cause })),
        );
    }

    fn enter(&mut self, level: usize, step: Step) {
        self.level = level;
        self.step = step;
        self.asked = false;
    }

    /// Whether a report is the answer to what was asked. One that crossed the end on its way is nobody's mistake.
    const fn is_answer(
        &self,
        call: &'static str,
        level: usize,
        may_answer: bool,
    ) -> Result<bool, ApiMisuse> {
        if self.is_over() {
            return Ok(false);
        }
        if !may_answer {
            return Err(ApiMisuse::new(call, self.phrase()));
        }
        if !self.asked {
            return Err(ApiMisuse::new(call, "before poll has asked for it"));
        }
        if self.level != level {
            return Err(ApiMisuse::new(call, "at another level than poll asked for"));
        }
        Ok(true)
    }

    const fn phrase(&self) -> &'static str {
        match self.step {
            Step::Checkout { .. } => "while looking for a connection",
            Step::Establish => "while making a connection",
            Step::Request => "while a CONNECT is unanswered",
            Step::Over(_) | Step::Ended => "after the walk is over",
        }
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Dial(hop {} of {}, {})",
            self.level + 1,
            self.hops,
            self.phrase()
        )
    }
}
