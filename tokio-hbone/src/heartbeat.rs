use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Instant;

use h2::{Ping, PingPong};
use hbone::{Keepalive, KeepaliveAction, KeepaliveConfig};
use tokio::task::yield_now;

use crate::alarm::Alarm;
use crate::deadline::{CARRIERS, grace, now};
use crate::pulse::Pulse;

/// Watches over one connection, of either role: carries out what [`Keepalive`] decides, with h2's PINGs.
pub(crate) struct Heartbeat {
    machine: Keepalive,
    pings: Option<PingPong>,
    pulse: Pulse,
    alarm: Alarm,
    /// How many more turns the other tasks get before a deadline that has come counts.
    patience: u8,
    /// Until when other threads are waited for, where the deadline was noticed late.
    grace: Option<Instant>,
}

impl Heartbeat {
    /// `pings` are those of the connection, `pulse` is that of the IO below it.
    pub(crate) fn new(
        config: Option<KeepaliveConfig>,
        pings: Option<PingPong>,
        pulse: Pulse,
    ) -> Self {
        Self {
            // Without a way to ask there is no way to give up.
            machine: Keepalive::new(config.filter(|_| pings.is_some()), now()),
            pings,
            pulse,
            alarm: Alarm::default(),
            patience: CARRIERS,
            grace: None,
        }
    }

    /// Ready once the peer is given up; the connection is to be closed then. To be called after the connection was polled,
    /// and from the same task, so that what has arrived counts.
    pub(crate) fn poll_given_up(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.pulse.take() {
                self.machine.handle_progress(now());
            }
            if let Some(pings) = &mut self.pings
                && let Poll::Ready(Ok(_)) = pings.poll_pong(cx)
            {
                self.machine.handle_pong(now());
            }
            while let Some(action) = self.machine.poll_action() {
                if let (KeepaliveAction::Ping, Some(pings)) = (action, &mut self.pings) {
                    // It fails only on a closed connection, which whoever polls it learns.
                    let _ = pings.send_ping(Ping::opaque());
                }
            }
            if self.machine.is_given_up() {
                return Poll::Ready(());
            }
            let due = self.machine.poll_timeout();
            if self.alarm.poll_due(cx, due).is_pending() {
                self.patience = CARRIERS;
                return Poll::Pending;
            }
            // What the peer has sent may lie below, in a socket that another task reads.
            if let Some(left) = self.patience.checked_sub(1) {
                if self.patience == CARRIERS {
                    self.grace = due.and_then(grace);
                }
                self.patience = left;
                let _ = pin!(yield_now()).poll(cx);
                return Poll::Pending;
            }
            if self.grace.is_some() && self.alarm.poll_due(cx, self.grace).is_pending() {
                return Poll::Pending;
            }
            self.patience = CARRIERS;
            self.machine.handle_timeout(now());
        }
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.machine.fmt(f)
    }
}
