use std::time::{Duration, Instant};

use super::pool_config::LONGEST;
use super::{Failure, PoolConfig};

/// What went wrong lately with one key, and until when it is left alone.
#[derive(Debug)]
pub(super) struct Rest<E> {
    dials_failed: u32,
    /// Connections in a row that were lost before they had carried anything.
    lost: u32,
    cause: Option<Cause<E>>,
    until: Option<Instant>,
    forget_at: Option<Instant>,
    /// When the last failure was counted; what was dialled before it belongs to the same round.
    last_round: Option<Instant>,
}

impl<E: Clone> Rest<E> {
    pub(super) const fn new() -> Self {
        Self {
            dials_failed: 0,
            lost: 0,
            cause: None,
            until: None,
            forget_at: None,
            last_round: None,
        }
    }

    /// Why a request has to fail now, if the key has to be left alone.
    pub(super) fn failure(&self, now: Instant) -> Option<Failure<E>> {
        let retry_at = self.until.filter(|until| *until > now)?;
        Some(match self.cause.clone()? {
            Cause::Dial(error) => Failure::Dial { error, retry_at },
            Cause::Lost => Failure::ConnectionLost { retry_at },
        })
    }

    pub(super) fn is_resting(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    /// When the answer of [`failure`](Self::failure) changes next, or there is nothing to remember any more.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now).or(self.forget_at)
    }

    pub(super) fn is_forgotten(&self, now: Instant) -> bool {
        self.forget_at.is_none_or(|at| at <= now)
    }

    /// The dial that was begun at `dialled_at` has failed. Dials that were under way together count once, but one that fails when the
    /// rest for the others is over makes the key rest again.
    pub(super) fn handle_dial_failed(
        &mut self,
        error: E,
        dialled_at: Instant,
        entropy: u64,
        config: &PoolConfig,
        now: Instant,
    ) {
        let begins_a_round = self.begins_a_round(dialled_at, now);
        self.cause = Some(Cause::Dial(error));
        if begins_a_round {
            self.dials_failed = self.dials_failed.saturating_add(1);
        }
        if begins_a_round || !self.is_resting(now) {
            self.rest(self.dials_failed, entropy, config, now);
        }
    }

    /// A connection was lost before it had carried anything. The first time may be chance (the peer was just restarting), so only
    /// the second one in a row makes the key rest.
    pub(super) fn handle_lost(
        &mut self,
        dialled_at: Instant,
        entropy: u64,
        config: &PoolConfig,
        now: Instant,
    ) {
        if !self.begins_a_round(dialled_at, now) {
            return;
        }
        self.lost = self.lost.saturating_add(1);
        if self.lost == 1 {
            self.forget_at = now.checked_add(memory(config));
        } else {
            self.cause = Some(Cause::Lost);
            self.rest(self.lost - 1, entropy, config, now);
        }
    }

    /// A connection is up: dials work.
    pub(super) const fn handle_up(&mut self) {
        self.dials_failed = 0;
        self.until = None;
    }

    /// A connection has done its work.
    pub(super) const fn handle_proven(&mut self) {
        self.lost = 0;
    }

    /// Forgets old failures.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.is_forgotten(now) {
            *self = Self::new();
        }
    }

    fn begins_a_round(&mut self, dialled_at: Instant, now: Instant) -> bool {
        self.handle_timeout(now);
        let begins = self.last_round.is_none_or(|last| last <= dialled_at);
        if begins {
            self.last_round = Some(now);
        }
        begins
    }

    fn rest(&mut self, failures: u32, entropy: u64, config: &PoolConfig, now: Instant) {
        let doublings = failures.saturating_sub(1).min(31);
        let delay = config
            .backoff_initial
            .saturating_mul(1 << doublings)
            .min(config.backoff_max);
        let delay = config.jittered(delay, entropy).clamp(SHORTEST, LONGEST);
        self.until = now.checked_add(delay);
        self.forget_at = now.checked_add(delay.saturating_add(memory(config)));
    }
}

#[derive(Clone, Debug)]
enum Cause<E> {
    Dial(E),
    Lost,
}

/// How long failures are remembered after a rest, so that the next one in a row rests longer.
fn memory(config: &PoolConfig) -> Duration {
    config.backoff_max.clamp(SHORTEST_MEMORY, LONGEST)
}

/// A rest lasts for more than an instant, whatever is configured: those who wait fail with their dial, and a port that refuses is not
/// dialled in a loop.
const SHORTEST: Duration = Duration::from_millis(1);

const SHORTEST_MEMORY: Duration = Duration::from_secs(1);
