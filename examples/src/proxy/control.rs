use std::future::Future;
use std::pin::pin;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::StartError;

/// Who tells a proxy to reload and to drain: the signals of its process, or whoever has its [`Stop`].
#[derive(Debug)]
pub struct Control(Source);

#[derive(Debug)]
enum Source {
    Signals {
        terminate: Signal,
        interrupt: Signal,
        hang_up: Signal,
    },
    Stop(mpsc::UnboundedReceiver<Wish>),
}

/// What a signal does to a process, for a proxy that shares its process with others.
///
/// When the last clone of it is dropped, the proxy ends at once.
#[derive(Debug, Clone)]
pub struct Stop(mpsc::UnboundedSender<Wish>);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Drain,
    Reload,
}

impl Control {
    /// Listens to SIGTERM, SIGINT and SIGHUP from now on.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn signals() -> Result<Self, StartError> {
        let listen = |kind| {
            signal(kind).map_err(|error| StartError::System {
                what: "cannot listen to signals",
                error,
            })
        };
        Ok(Self(Source::Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        }))
    }

    /// Listens to no signal, but to what is returned with it.
    #[must_use]
    pub fn stop() -> (Stop, Self) {
        let (stop, wishes) = mpsc::unbounded_channel();
        (Stop(stop), Self(Source::Stop(wishes)))
    }

    /// The next wish.
    pub(super) async fn next(&mut self) -> Wish {
        match &mut self.0 {
            Source::Signals {
                terminate,
                interrupt,
                hang_up,
            } => tokio::select! {
                _ = terminate.recv() => Wish::Drain,
                _ = interrupt.recv() => Wish::Drain,
                _ = hang_up.recv() => Wish::Reload,
            },
            Source::Stop(wishes) => wishes.recv().await.unwrap_or(Wish::Drain),
        }
    }

    /// The next wish while files are read, and after. A file may be far away and never come: the wish to drain is not kept waiting.
    pub(super) async fn next_beside(&mut self, reading: impl Future<Output = ()>) -> Wish {
        let mut reading = pin!(reading);
        let mut again = false;
        loop {
            tokio::select! {
                () = &mut reading => break,
                wish = self.next() => match wish {
                    Wish::Drain => return Wish::Drain,
                    Wish::Reload => again = true,
                },
            }
        }
        match again {
            // What was read may be what was there before.
            true => Wish::Reload,
            false => self.next().await,
        }
    }

    /// Waits for the wish to drain, again.
    pub(super) async fn drain(&mut self) {
        while self.next().await != Wish::Drain {}
    }
}

impl Stop {
    /// Asks it to drain, as SIGTERM does; said a second time, to end at once.
    pub fn drain(&self) {
        // One that has ended needs no telling.
        let _ = self.0.send(Wish::Drain);
    }

    /// Asks it to read its files at once, as SIGHUP does.
    pub fn reload(&self) {
        let _ = self.0.send(Wish::Reload);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_file_that_never_comes_does_not_keep_the_wish_to_drain_waiting() {
        let (stop, mut control) = Control::stop();
        stop.reload();
        stop.drain();
        assert_eq!(control.next_beside(pending()).await, Wish::Drain);
    }

    #[tokio::test]
    async fn a_wish_to_reload_that_came_while_files_were_read_is_not_forgotten() {
        let (stop, mut control) = Control::stop();
        let mut reloading = pin!(control.next_beside(async {
            stop.reload();
            // Once it has been heard.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
        }));
        assert_eq!((&mut reloading).await, Wish::Reload);
    }

    #[tokio::test]
    async fn after_the_files_are_read_the_next_wish_is_waited_for() {
        let (stop, mut control) = Control::stop();
        let mut reading = Box::pin(control.next_beside(ready(())));
        tokio::select! {
            biased;
            _ = &mut reading => panic!("nobody has asked for anything"),
            () = tokio::task::yield_now() => {}
        }
        stop.drain();
        assert_eq!(reading.await, Wish::Drain);
    }
}
