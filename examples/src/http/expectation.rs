use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

/// The wait of a client that wants to know whether its body is wanted (`Expect: 100-continue`, RFC 9110 section 10.1.1).
///
/// The question goes on to the server, and nobody reads the body before its answer: reading it is what tells the client to go on.
#[derive(Debug)]
pub(super) struct Expectation {
    /// `None`: nobody will say so any more.
    answered: Option<oneshot::Receiver<()>>,
    patience: Pin<Box<Sleep>>,
}

/// The end of the wait.
#[derive(Debug)]
pub(super) struct GoAhead(Mutex<Option<oneshot::Sender<()>>>);

/// A server that knows nothing of the question is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);

impl Expectation {
    /// A wait, and what ends it.
    pub(super) fn new() -> (Self, GoAhead) {
        let (sender, answered) = oneshot::channel();
        let expectation = Self {
            answered: Some(answered),
            patience: Box::pin(sleep(PATIENCE)),
        };
        (expectation, GoAhead(Mutex::new(Some(sender))))
    }

    /// Ready when the body may be read.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(answered) = &mut self.answered
            && let Poll::Ready(answer) = Pin::new(answered).poll(cx)
        {
            self.answered = None;
            if answer.is_ok() {
                return Poll::Ready(());
            }
        }
        self.patience.as_mut().poll(cx)
    }
}

impl GoAhead {
    /// The server wants the body.
    pub(super) fn give(&self) {
        let mut sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody waits any more, if it fails.
        let _ = sender.take().map(|sender| sender.send(()));
    }
}
