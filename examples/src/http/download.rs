use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::ResponseFlag;
use super::account::Account;
use super::body::{BodyError, clean_trailers};

/// The body of an answer on its way to the client: read only as fast as the client takes it. When it has ended, or is dropped, the
/// account is closed.
#[derive(Debug)]
pub(super) struct Download {
    inner: Incoming,
    account: Box<Account>,
}

impl Download {
    pub(super) const fn new(inner: Incoming, account: Box<Account>) -> Self {
        Self { inner, account }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            None => {
                self.account.complete();
                return Poll::Ready(None);
            }
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                // To the client it looks like what it is: an answer that was cut short.
                self.account.fail(
                    ResponseFlag::ServerGone,
                    format!("the server broke its answer off: {error}"),
                );
                return Poll::Ready(Some(Err(error.into())));
            }
        };
        if let Some(data) = frame.data_ref() {
            self.account.add_received(data.len());
        }
        if let Some(trailers) = frame.trailers_mut() {
            self.account.handle_trailers(trailers);
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

impl Drop for Download {
    fn drop(&mut self) {
        // Whoever knows that nothing more comes does not ask for it.
        if self.inner.is_end_stream() {
            self.account.complete();
        }
    }
}
