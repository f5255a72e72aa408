//! Whether a silent peer still lives.

mod action;
mod config;

use std::fmt;
use std::time::Instant;

pub use action::KeepaliveAction;
pub use config::KeepaliveConfig;

/// When to ask a silent peer whether it still lives, and when to give it up.
///
/// A PING goes out only after [`KeepaliveConfig::interval`] without any sign of life, so none does while data flows, and
/// the peer is given up only after [`KeepaliveConfig::timeout`] without any sign of life behind a PING that has not been
/// answered. A sign of life is any frame, not only the answer: on a saturated slow link the answer may queue behind
/// megabytes of DATA, each frame of which proves as much.
///
/// Call order: [`handle_progress`](Self::handle_progress) and [`handle_pong`](Self::handle_pong) when they happen;
/// [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) says so, and only after what has
/// already arrived was handed in, for a program that was not scheduled for a while must not take its own delay for the
/// peer's; after each, [`poll_action`](Self::poll_action) until `None`.
///
/// Specification: HBONE-T-013.
#[derive(Clone)]
pub struct Keepalive {
    config: Option<KeepaliveConfig>,
    last_life: Instant,
    ping: Option<Ping>,
    given_up: Option<GivenUp>,
}

impl Keepalive {
    /// Starts to watch a connection that has just been made; `None` never asks and never gives up.
    pub const fn new(config: Option<KeepaliveConfig>, now: Instant) -> Self {
        Self {
            config,
            last_life: now,
            ping: None,
            given_up: None,
        }
    }

    /// Whether the peer was given up. It stays so.
    pub const fn is_given_up(&self) -> bool {
        self.given_up.is_some()
    }

    /// The peer has shown life: a frame of any kind arrived, or the transport took bytes again after it had refused some,
    /// which it does only when the peer's host acknowledges earlier ones. Bytes that the transport takes without ever
    /// having refused any prove nothing: they may lie in a local buffer.
    ///
    /// Not every frame has to be told at once: the latest, just before [`handle_timeout`](Self::handle_timeout), is
    /// enough.
    pub fn handle_progress(&mut self, now: Instant) {
        self.last_life = self.last_life.max(now);
        // Data flows: a PING that nobody has sent yet need not be.
        if self.ping.is_some_and(|ping| ping.owed) {
            self.ping = None;
        }
    }

    /// The answer to our PING arrived.
    pub fn handle_pong(&mut self, now: Instant) {
        self.ping = None;
        self.last_life = self.last_life.max(now);
    }

    /// Time has passed. Harmless when early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        match self.ping {
            None => {
                self.ping = Some(Ping {
                    since: now,
                    owed: true,
                });
            }
            Some(_) => self.given_up = Some(GivenUp { owed: true }),
        }
    }

    /// What to do next; each action is given once.
    pub fn poll_action(&mut self) -> Option<KeepaliveAction> {
        if let Some(given_up) = &mut self.given_up {
            return std::mem::take(&mut given_up.owed).then_some(KeepaliveAction::Close);
        }
        let ping = self.ping.as_mut()?;
        std::mem::take(&mut ping.owed).then_some(KeepaliveAction::Ping)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when off, or when the peer was given up.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let config = self.config?;
        match (self.given_up, self.ping) {
            (Some(_), _) => None,
            (None, Some(ping)) => ping.since.max(self.last_life).checked_add(config.timeout),
            (None, None) => self.last_life.checked_add(config.interval),
        }
    }
}

impl fmt::Debug for Keepalive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.config, self.given_up, self.ping) {
            (None, ..) => "off",
            (_, Some(_), _) => "peer given up",
            (_, _, Some(_)) => "waiting for an answer",
            (_, _, None) => "alive",
        };
        write!(f, "Keepalive({state})")
    }
}

#[derive(Clone, Copy)]
struct Ping {
    since: Instant,
    owed: bool,
}

#[derive(Clone, Copy)]
struct GivenUp {
    owed: bool,
}
