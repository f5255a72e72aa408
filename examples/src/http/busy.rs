use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, sleep};

use super::body::{Body, BodyError};

/// Whether a connection of HTTP/2 carries requests.
#[derive(Debug, Clone)]
pub(super) struct Busy(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    requests: usize,
    /// Since when there is none.
    idle: Instant,
}

/// One of its requests, until it has been answered or is dropped.
#[derive(Debug)]
pub(super) struct Carried(Busy);

/// The body of the answer.
#[derive(Debug)]
struct Answer {
    body: Body,
    _request: Carried,
}

impl Busy {
    pub(super) fn new() -> Self {
        let state = State {
            requests: 0,
            idle: Instant::now(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// A request has come.
    pub(super) fn carry(&self) -> Carried {
        let mut state = self.state();
        state.requests = state.requests.saturating_add(1);
        Carried(self.clone())
    }

    /// Waits until there has been no request for this long.
    pub(super) async fn is_idle_for(&self, time: Duration) {
        loop {
            let rest = {
                let state = self.state();
                match state.requests {
                    0 => time.saturating_sub(state.idle.elapsed()),
                    _ => time,
                }
            };
            if rest.is_zero() {
                return;
            }
            sleep(rest).await;
        }
    }

    /// Waits for this long, and again while there is a request.
    pub(super) async fn is_idle_after(&self, time: Duration) {
        loop {
            sleep(time).await;
            if self.state().requests == 0 {
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under it leaves anything half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Carried {
    /// The body of the answer, which is the end of the request.
    pub(super) fn until_end(self, body: Body) -> impl HttpBody<Data = Bytes, Error = BodyError> {
        Answer {
            body,
            _request: self,
        }
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests = state.requests.saturating_sub(1);
        state.idle = Instant::now();
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
