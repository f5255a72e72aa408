use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// By what the demo is told to end.
#[derive(Debug)]
pub(crate) struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens from now on; none of them kills the process any more.
    pub(crate) fn listen() -> Result<Self> {
        let of = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            hangup: of(SignalKind::hangup())?,
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
        })
    }

    /// Waits for Ctrl-C, SIGTERM or the end of the terminal.
    pub(crate) async fn told_to_end(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
