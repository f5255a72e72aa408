use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::body::{BodyError, clean_trailers};
use super::expectation::Expectation;
use super::progress::{Broken, Progress};

/// The body of a request on its way to the server: counted, bounded, and read only as fast as the server takes it.
#[derive(Debug)]
pub(super) struct Upload {
    inner: Incoming,
    progress: Arc<Progress>,
    most: u64,
    /// How long the client may pause.
    patience: Option<Duration>,
    pause: Option<Pin<Box<Sleep>>>,
    expectation: Option<Expectation>,
}

impl Upload {
    pub(super) fn new(
        inner: Incoming,
        progress: Arc<Progress>,
        most: Option<u64>,
        patience: Option<Duration>,
    ) -> Self {
        Self {
            inner,
            progress,
            most: most.unwrap_or(u64::MAX),
            patience,
            pause: None,
            expectation: None,
        }
    }

    /// The same, which is not read before the expectation is met.
    pub(super) fn expecting(mut self, expectation: Expectation) -> Self {
        self.expectation = Some(expectation);
        self
    }

    /// Whether the client has paused for too long. Only then is the time counted: a server that does not read is not its fault.
    fn is_too_slow(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(patience) = self.patience.filter(|_| !self.progress.is_answered()) else {
            return false;
        };
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(patience)));
        pause.as_mut().poll(cx).is_ready()
    }

    fn fail(
        &self,
        broken: Broken,
        reason: &'static str,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.progress.break_off(broken);
        Poll::Ready(Some(Err(reason.into())))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(expectation) = &mut self.expectation {
            ready!(expectation.poll(cx));
            self.expectation = None;
        }
        let Poll::Ready(next) = Pin::new(&mut self.inner).poll_frame(cx) else {
            return match self.is_too_slow(cx) {
                true => self.fail(Broken::TooSlow, "the client paused for too long"),
                false => Poll::Pending,
            };
        };
        self.pause = None;
        let mut frame = match next {
            None => return Poll::Ready(None),
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                self.progress.break_off(Broken::ClientGone);
                return Poll::Ready(Some(Err(error.into())));
            }
        };
        if let Some(data) = frame.data_ref() {
            self.progress
                .add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            if self.progress.sent() > self.most {
                return self.fail(Broken::TooLarge, "the body is too large");
            }
        }
        if let Some(trailers) = frame.trailers_mut() {
            clean_trailers(trailers);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
