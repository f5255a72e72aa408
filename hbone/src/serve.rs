//! One incoming CONNECT, from its head to its answer.

mod action;
mod config;
mod connect_failure;
mod end;
mod reset_budget;

use std::fmt;
use std::net::SocketAddr;
use std::time::Instant;

use crate::policy::{Admitted, Checked, DestinationPolicy};
use crate::{ApiMisuse, Authority, Identity, Reject};

pub use action::{Attempt, ServeAction};
pub use config::{Lookup, ServeConfig};
pub use connect_failure::ConnectFailure;
pub use end::ServeEnd;
pub use reset_budget::ResetBudget;

/// The most addresses of one answer that are looked at, denied ones among them.
const MAX_ADDRESSES: usize = 64;

/// Serves one CONNECT: policy, directory or resolver, policy again, connect, 200. In that order, so that
///
/// * a peer that may not go there learns nothing: no query and no packet tells it what exists;
/// * what is dialled is an address that the policy has seen, never a name;
/// * no byte of the client is asked for before there is somebody to take it.
///
/// ```text
///            admit            Resolve             check              Connect
/// authority ───────> admitted ───────> addresses ───────> checked ─────────────> Accept
///     │ denied           │ unresolved      │ all denied     │ none accepts
///     └──────────────────┴─────────────────┴────────────────┴──────────────────> Reject
/// ```
///
/// A head that cannot be read does not come here: its [`Reject`] is its answer. Neither does the half-close of a client that has
/// nothing to send: the tunnel opens all the same.
///
/// Call order: [`new`](Self::new), then [`poll_action`](Self::poll_action) until `None`, then whatever happens, each followed by
/// `poll_action` until `None`: the answer to an action by the method it names, [`handle_reset`](Self::handle_reset) when the peer
/// resets the stream or its connection is lost, [`reject`](Self::reject) when we no longer want to serve,
/// [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) says so. It ends exactly once: with
/// [`ServeAction::Accept`], with [`ServeAction::Reject`], or, if the peer went first, with neither. Answers that come after the end, or
/// to an attempt that was abandoned, are ignored.
///
/// Specification: HBONE-S-001, HBONE-S-003, HBONE-S-009, HBONE-S-010, HBONE-S-014, HBONE-Q-009.
pub struct Serve {
    config: ServeConfig,
    stage: Stage,
    deadline: Option<Instant>,
    total_deadline: Option<Instant>,
    attempts: u32,
    in_flight: bool,
    abandon_owed: bool,
    owed: Option<ServeAction>,
}

impl Serve {
    /// Starts to serve. `who` is the verified identity of the peer, `authority` where its CONNECT wants to go.
    pub fn new(
        who: &Identity,
        authority: &Authority,
        policy: &DestinationPolicy,
        config: ServeConfig,
        now: Instant,
    ) -> Self {
        let mut serve = Self {
            config,
            stage: Stage::Over(ServeEnd::Rejected),
            deadline: None,
            total_deadline: now.checked_add(config.total_timeout),
            attempts: 0,
            in_flight: false,
            abandon_owed: false,
            owed: None,
        };
        match policy.admit(who, authority) {
            Err(reason) => serve.end(Reject::denied(reason, config.deny_status)),
            Ok(admitted) => serve.locate(admitted, now),
        }
        serve
    }

    /// How it ended, once it has. The action that tells may not have been polled.
    pub const fn end_reached(&self) -> Option<ServeEnd> {
        match self.stage {
            Stage::Over(end) => Some(end),
            Stage::Locating(_) | Stage::Connecting { .. } => None,
        }
    }

    /// The directory or resolver has answered: any of these may be connected to, the first is the best. None at all is
    /// [`Reject::NoEndpoint`], and an answer that leaves no time to connect is [`Reject::DnsTimeout`].
    ///
    /// Whoever owns a name chooses how many addresses it has, so only the first 64 are looked at.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse`] if it was not asked, or has answered before.
    pub fn handle_resolved(
        &mut self,
        addresses: impl IntoIterator<Item = SocketAddr>,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        if let Some(admitted) = self.answered_lookup("Serve::handle_resolved")? {
            if self.is_out_of_time(now) {
                self.end(Reject::DnsTimeout);
            } else {
                self.check(&admitted, addresses, now);
            }
        }
        Ok(())
    }

    /// The directory or resolver knows no address, for this reason.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse`] if it was not asked, or has answered before.
    pub fn handle_unresolved(&mut self, reason: Reject) -> Result<(), ApiMisuse> {
        if self.answered_lookup("Serve::handle_unresolved")?.is_some() {
            self.end(reason);
        }
        Ok(())
    }

    /// The attempt has succeeded: `true` if its connection is the upstream of the tunnel, `false` if it came too late and is to be
    /// closed.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse`] if [`ServeAction::Connect`] has not named this attempt.
    pub fn handle_connected(&mut self, attempt: Attempt) -> Result<bool, ApiMisuse> {
        if !self.answered_attempt("Serve::handle_connected", attempt)? {
            return Ok(false);
        }
        self.leave(ServeEnd::Accepted);
        self.owed = Some(ServeAction::Accept);
        Ok(true)
    }

    /// The attempt has failed; the next address is tried, if there is one and time for it.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse`] if [`ServeAction::Connect`] has not named this attempt.
    pub fn handle_connect_failed(
        &mut self,
        attempt: Attempt,
        failure: impl Into<ConnectFailure>,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        if self.answered_attempt("Serve::handle_connect_failed", attempt)? {
            self.attempt_failed(failure.into(), now);
        }
        Ok(())
    }

    /// The peer has reset the stream, or its connection is lost. There is nobody left to answer. After the end it means nothing here.
    pub fn handle_reset(&mut self) {
        if self.end_reached().is_none() {
            self.leave(ServeEnd::Abandoned);
            self.owed = None;
        }
    }

    /// Time has passed. Harmless when early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.stage {
            Stage::Locating(_) => self.end(Reject::DnsTimeout),
            Stage::Connecting { .. } => {
                self.abandon();
                self.attempt_failed(ConnectFailure::TimedOut, now);
            }
            Stage::Over(_) => {}
        }
    }

    /// We no longer want to serve, for this reason: a drain that cannot wait, a policy that has changed. After the end it means
    /// nothing.
    pub fn reject(&mut self, reason: Reject) {
        if self.end_reached().is_none() {
            self.end(reason);
        }
    }

    /// What to do next; each action is given once.
    pub fn poll_action(&mut self) -> Option<ServeAction> {
        if std::mem::take(&mut self.abandon_owed) {
            return Some(ServeAction::Abandon);
        }
        let action = self.owed.take()?;
        self.in_flight = self.end_reached().is_none();
        Some(action)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` once it has ended.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match (self.deadline, self.total_deadline) {
            (Some(stage), Some(total)) => Some(stage.min(total)),
            (stage, total) => stage.or(total),
        }
    }

    fn locate(&mut self, admitted: Admitted, now: Instant) {
        match (admitted.authority(), self.config.lookup) {
            (Authority::Addr(addr), Lookup::Names) => {
                let addr = *addr;
                self.check(&admitted, [addr], now);
            }
            (authority, _) => {
                self.owed = Some(ServeAction::Resolve(authority.clone()));
                self.deadline = now.checked_add(self.config.resolve_timeout);
                self.stage = Stage::Locating(admitted);
            }
        }
    }

    /// Asks the policy about each address, and leaves out those that it denies: a name with one bad address among good ones works,
    /// but not by the bad one.
    fn check(
        &mut self,
        admitted: &Admitted,
        addresses: impl IntoIterator<Item = SocketAddr>,
        now: Instant,
    ) {
        let most = self.config.max_attempts.max(1);
        let mut checked = Vec::new();
        let mut denied = None;
        for addr in addresses.into_iter().take(MAX_ADDRESSES) {
            match admitted.check(addr) {
                Ok(addr) if checked.contains(&addr) => {}
                Ok(addr) => checked.push(addr),
                Err(reason) => denied = denied.or(Some(reason)),
            }
            if checked.len() >= most {
                break;
            }
        }
        match (checked.is_empty(), denied) {
            (true, Some(reason)) => self.end(Reject::denied(reason, self.config.deny_status)),
            (true, None) => self.end(Reject::NoEndpoint),
            (false, _) => self.attempt(checked.into_iter(), None, now),
        }
    }

    fn attempt(
        &mut self,
        mut rest: std::vec::IntoIter<Checked<SocketAddr>>,
        worst: Option<ConnectFailure>,
        now: Instant,
    ) {
        let out_of_time = self.is_out_of_time(now);
        let Some(addr) = rest.next().filter(|_| !out_of_time) else {
            // There is an address to begin with, so if nothing has failed there was no time to try it.
            return self.end(worst.unwrap_or(ConnectFailure::TimedOut).into());
        };
        self.attempts = self.attempts.saturating_add(1);
        let attempt = Attempt(self.attempts);
        self.owed = Some(ServeAction::Connect(attempt, addr));
        self.deadline = now.checked_add(self.config.attempt_timeout);
        self.stage = Stage::Connecting { rest, worst };
    }

    fn attempt_failed(&mut self, failure: ConnectFailure, now: Instant) {
        let over = Stage::Over(ServeEnd::Rejected);
        if let Stage::Connecting { rest, worst } = std::mem::replace(&mut self.stage, over) {
            self.attempt(rest, worst.max(Some(failure)), now);
        }
    }

    fn is_out_of_time(&self, now: Instant) -> bool {
        self.total_deadline.is_some_and(|total| total <= now)
    }

    /// The admitted destination whose lookup has just been answered; `None` if nobody waits for it any more.
    fn answered_lookup(&mut self, call: &'static str) -> Result<Option<Admitted>, ApiMisuse> {
        match &self.stage {
            Stage::Over(_) => Ok(None),
            Stage::Locating(admitted) if self.in_flight => {
                self.in_flight = false;
                Ok(Some(admitted.clone()))
            }
            Stage::Locating(_) => Err(ApiMisuse::new(call, "before Resolve was polled")),
            Stage::Connecting { .. } => Err(ApiMisuse::new(call, "when no lookup is under way")),
        }
    }

    /// Whether this attempt is the one that is under way. One that was abandoned is not, and that is no mistake.
    fn answered_attempt(
        &mut self,
        call: &'static str,
        attempt: Attempt,
    ) -> Result<bool, ApiMisuse> {
        let current = self.attempts;
        let under_way = self.in_flight && matches!(self.stage, Stage::Connecting { .. });
        if attempt.0 > current || attempt.0 == current && !under_way && self.end_reached().is_none()
        {
            return Err(ApiMisuse::new(call, "for an attempt that was not polled"));
        }
        let wanted = attempt.0 == current && under_way;
        if wanted {
            self.in_flight = false;
        }
        Ok(wanted)
    }

    fn end(&mut self, reason: Reject) {
        self.leave(ServeEnd::Rejected);
        self.owed = Some(ServeAction::Reject(reason));
    }

    fn leave(&mut self, end: ServeEnd) {
        self.abandon();
        self.stage = Stage::Over(end);
        self.deadline = None;
        self.total_deadline = None;
    }

    /// Only what the caller has been told to begin can be abandoned.
    fn abandon(&mut self) {
        self.abandon_owed |= std::mem::take(&mut self.in_flight);
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::Locating(admitted) => write!(f, "Serve(locating {})", admitted.authority()),
            Stage::Connecting { rest, .. } => write!(
                f,
                "Serve(connecting, attempt {} with {} left)",
                self.attempts,
                rest.len()
            ),
            Stage::Over(end) => write!(f, "Serve({end:?})"),
        }
    }
}

enum Stage {
    Locating(Admitted),
    Connecting {
        rest: std::vec::IntoIter<Checked<SocketAddr>>,
        /// Of the failures so far, the one that tells most.
        worst: Option<ConnectFailure>,
    },
    Over(ServeEnd),
}
