use std::future::poll_fn;

use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use hbone::{Accept, Answer, Loss, Reason, Reject, TunnelError};

/// The right, and the duty, to answer one CONNECT.
///
/// Dropped without an answer, as by a handler that panics, it resets the stream with INTERNAL_ERROR. h2's own CANCEL is
/// for a client to say, and some clients take it for an end of file.
pub(crate) struct Answering {
    respond: SendResponse<Bytes>,
    owed: bool,
}

impl Answering {
    pub(crate) const fn new(respond: SendResponse<Bytes>) -> Self {
        Self {
            respond,
            owed: true,
        }
    }

    /// Waits until the client no longer wants an answer.
    pub(crate) async fn unwanted(&mut self) {
        let _ = poll_fn(|cx| self.respond.poll_reset(cx)).await;
    }

    /// Sends the head that opens the tunnel.
    pub(crate) fn accept(mut self, accept: &Accept) -> Result<SendStream<Bytes>, TunnelError> {
        self.owed = false;
        let sent = self.respond.send_response(accept.to_response(), false);
        sent.map_err(|error| match error.reason() {
            Some(reason) => TunnelError::Reset(Reason::from_wire(reason.into())),
            None => TunnelError::Lost(Loss::Closed),
        })
    }

    /// Sends what a rejected CONNECT is answered with.
    pub(crate) fn reject(mut self, reject: &Reject) {
        self.owed = false;
        match reject.answer() {
            // A client that has given up meanwhile does not miss the answer.
            Answer::Status(_) => drop(self.respond.send_response(reject.to_response(), true)),
            _ => self.reset(Reason::REFUSED_STREAM),
        }
    }

    fn reset(&mut self, reason: Reason) {
        self.respond.send_reset(reason.to_wire().into());
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.owed {
            self.reset(Reason::INTERNAL_ERROR);
        }
    }
}
