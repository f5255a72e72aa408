use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::Limits;
use super::body::{BodyError, clean_trailers};
use super::expectation::Expectation;
use super::progress::{Broken, Progress};

/// The body of a request on its way to the server: counted, bounded, and read only as fast as the server takes it.
#[derive(Debug)]
pub(super) struct Upload {
    inner: Incoming,
    progress: Arc<Progress>,
    most: u64,
    most_trailers: usize,
    /// How long the client may pause.
    patience: Option<Duration>,
    pause: Option<Pin<Box<Sleep>>>,
    expectation: Option<Expectation>,
}

impl Upload {
    pub(super) fn new(
        inner: Incoming,
        progress: Arc<Progress>,
        limits: &Limits,
        patience: Option<Duration>,
    ) -> Self {
        Self {
            inner,
            progress,
            most: limits.max_body.unwrap_or(u64::MAX),
            most_trailers: usize::try_from(limits.max_headers).unwrap_or(usize::MAX),
            patience,
            pause: None,
            expectation: None,
        }
    }

    /// It is not read before the expectation is met.
    pub(super) fn expect(&mut self, expectation: Expectation) {
        self.expectation = Some(expectation);
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
            if expectation.poll(cx).is_pending() {
                // A server that knows nothing of the question waits for the body.
                self.progress.handle_wanted();
                return Poll::Pending;
            }
            self.expectation = None;
        }
        let Poll::Ready(next) = Pin::new(&mut self.inner).poll_frame(cx) else {
            self.progress.handle_wanted();
            return match self.is_too_slow(cx) {
                true => self.fail(Broken::TooSlow, "the client paused for too long"),
                false => Poll::Pending,
            };
        };
        self.pause = None;
        let mut frame = match next {
            None => {
                self.progress.handle_whole();
                return Poll::Ready(None);
            }
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                self.progress.break_off(broken(&error));
                return Poll::Ready(Some(Err(error.into())));
            }
        };
        match frame.is_trailers() || self.inner.is_end_stream() {
            true => self.progress.handle_whole(),
            false => self.progress.handle_handed(),
        }
        if let Some(data) = frame.data_ref() {
            self.progress
                .add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            if self.progress.sent() > self.most {
                return self.fail(Broken::TooLarge, "the body is too large");
            }
        }
        if let Some(trailers) = frame.trailers_mut() {
            if trailers.len() > self.most_trailers {
                return self.fail(Broken::Trailers, "there are too many trailers");
            }
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

impl Drop for Upload {
    fn drop(&mut self) {
        // Nobody waits for the client any more.
        self.progress.handle_handed();
    }
}

/// Whose fault it is that a body does not come to its end: who breaks it off and who frames it wrongly is told apart by what hyper found.
fn broken(error: &hyper::Error) -> Broken {
    let Some(cause) = error.source() else {
        return Broken::ClientGone;
    };
    if let Some(stream) = cause.downcast_ref::<h2::Error>() {
        return match stream.is_library() {
            true => Broken::Malformed(stream.to_string()),
            false => Broken::ClientGone,
        };
    }
    let Some(found) = cause.downcast_ref::<io::Error>() else {
        return Broken::ClientGone;
    };
    let is_framing = matches!(
        found.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
    );
    // What is wrong with TLS has these kinds, too.
    let is_below = found
        .get_ref()
        .is_none_or(|inner| inner.is::<rustls::Error>());
    match found.to_string() {
        _ if !is_framing || is_below => Broken::ClientGone,
        text if text.starts_with("chunk trailers") => Broken::Trailers,
        text => Broken::Malformed(text),
    }
}
