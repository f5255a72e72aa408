use std::fmt;
use std::time::Instant;

use http::{StatusCode, response};

use super::{RequestError, RequestLimits};
use crate::Accept;
use crate::LinkFailure;
use crate::Reason;

/// One CONNECT that has been sent, until it is answered.
///
/// Report what the peer does with `handle_*`; then [`poll`](Self::poll) until it has nothing more. It gives
/// [`RequestAction::Ended`] exactly once, after any [`RequestAction::Reset`].
///
/// Redirects are never followed: a status that opens no tunnel is a refusal, whatever headers come with it.
///
/// Specification: HBONE-C-008, HBONE-C-009, HBONE-C-010, HBONE-C-011, HBONE-T-014.
pub struct Request {
    limits: RequestLimits,
    deadline: Option<Instant>,
    informational: u8,
    state: State,
    reset: Option<Reason>,
}

/// What the caller has to do for a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestAction {
    /// Reset the stream: nobody waits for it any more.
    Reset(Reason),
    /// The CONNECT is over: a tunnel, or none and why.
    Ended(Result<Accept, RequestError>),
}

#[derive(Debug)]
enum State {
    Waiting,
    Answered(Result<Accept, RequestError>),
    Ended,
}

impl Request {
    /// A CONNECT whose head was sent at `now`.
    #[must_use]
    pub fn new(limits: RequestLimits, now: Instant) -> Self {
        let deadline = now.checked_add(limits.response);
        Self {
            limits,
            deadline,
            informational: 0,
            state: State::Waiting,
            reset: None,
        }
    }

    /// An informational response (1xx) came.
    pub fn handle_informational(&mut self, status: StatusCode) {
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return self.give_up(Reason::PROTOCOL_ERROR, RequestError::Unexpected(status));
        }
        self.informational = self.informational.saturating_add(1);
        if self.informational > self.limits.informational {
            let error = RequestError::Informational(self.limits.informational);
            self.give_up(Reason::ENHANCE_YOUR_CALM, error);
        }
    }

    /// The final response came.
    pub fn handle_response(&mut self, parts: &response::Parts) {
        match Accept::from_parts(parts, self.limits.accepted) {
            Ok(accept) => self.end(Ok(accept)),
            // The body of a refusal is of no use to a tunnel, so the stream ends here; the connection stays good.
            Err(refused) => self.give_up(Reason::CANCEL, RequestError::Refused(refused)),
        }
    }

    /// The peer reset the stream.
    pub fn handle_reset(&mut self, reason: Reason) {
        self.end(Err(RequestError::Reset(reason)));
    }

    /// A GOAWAY came whose last stream id is below this stream's, so the peer has not processed it.
    ///
    /// A GOAWAY at or above it changes nothing for this CONNECT and needs no call.
    pub fn handle_goaway(&mut self) {
        self.end(Err(RequestError::GoingAway));
    }

    /// The answer itself broke HTTP/2, so that our own side has reset the stream.
    pub fn handle_malformed(&mut self, reason: String) {
        self.end(Err(RequestError::Malformed(reason)));
    }

    /// The connection is gone.
    pub fn handle_connection_lost(&mut self, failure: LinkFailure) {
        self.end(Err(match failure {
            LinkFailure::Alert(alert) if alert.refuses_certificate() => {
                RequestError::CertificateRefused(alert)
            }
            failure => RequestError::Lost(failure),
        }));
    }

    /// Time has passed. Harmless if early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| now >= deadline) {
            self.give_up(Reason::CANCEL, RequestError::TimedOut(self.limits.response));
        }
    }

    /// Nobody wants the tunnel any more. Harmless once the answer is there.
    pub fn cancel(&mut self) {
        self.give_up(Reason::CANCEL, RequestError::Cancelled);
    }

    /// What to do next; call it until it gives `None`.
    #[must_use]
    pub fn poll(&mut self) -> Option<RequestAction> {
        if let Some(reason) = self.reset.take() {
            return Some(RequestAction::Reset(reason));
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Answered(outcome) => Some(RequestAction::Ended(outcome)),
            unchanged => {
                self.state = unchanged;
                None
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` once the answer is there.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
            .filter(|_| matches!(self.state, State::Waiting))
    }

    fn give_up(&mut self, reason: Reason, error: RequestError) {
        if matches!(self.state, State::Waiting) {
            self.reset = Some(reason);
        }
        self.end(Err(error));
    }

    fn end(&mut self, outcome: Result<Accept, RequestError>) {
        if matches!(self.state, State::Waiting) {
            self.state = State::Answered(outcome);
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Waiting => "waiting",
            State::Answered(Ok(_)) => "accepted",
            State::Answered(Err(_)) => "failed",
            State::Ended => "ended",
        };
        write!(f, "Request({state}, {} informational)", self.informational)
    }
}
