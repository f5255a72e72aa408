use std::future::poll_fn;

use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use hbone::{Accept, Answer, Cut, Loss, Reason, Reject, TunnelError};

use crate::connection::{Hold, TunnelHandle};
use crate::observe::{RequestLog, Scope, TunnelInfo, TunnelLog};
use crate::observed::Failure;

/// The right, and the duty, to answer one CONNECT.
///
/// Dropped without an answer, as by a handler that panics, it resets the stream with INTERNAL_ERROR. h2's own CANCEL is
/// for a client to say, and some clients take it for an end of file.
pub(crate) struct Answering {
    /// `None` once it is answered.
    hold: Option<Hold>,
    /// `None` once it is answered.
    log: Option<RequestLog>,
    info: TunnelInfo,
}

impl Answering {
    pub(crate) fn new(hold: Hold, log: RequestLog) -> Self {
        Self {
            hold: Some(hold),
            info: log.info(),
            log: Some(log),
        }
    }

    /// Ends the stream from elsewhere.
    pub(crate) fn handle(&self) -> TunnelHandle {
        self.hold
            .as_ref()
            .map_or_else(TunnelHandle::ended, Hold::handle)
    }

    pub(crate) const fn info(&self) -> TunnelInfo {
        self.info
    }

    /// Where what happens to it is shown.
    pub(crate) fn scope(&self) -> Scope {
        self.log
            .as_ref()
            .map_or_else(Scope::none, |log| log.scope().clone())
    }

    /// Waits until the client no longer wants an answer.
    pub(crate) async fn unwanted(&self) {
        if let Some(hold) = &self.hold {
            let _ = poll_fn(|cx| hold.respond().poll_reset(cx)).await;
        }
    }

    /// Sends the head that opens the tunnel. `failure` is that of the connection.
    pub(crate) fn accept(
        mut self,
        accept: &Accept,
        failure: &Failure,
    ) -> Result<(SendStream<Bytes>, Hold, TunnelLog), TunnelError> {
        let (Some(hold), Some(log)) = (self.hold.take(), self.log.take()) else {
            return Err(TunnelError::Lost(Loss::Closed));
        };
        let sent = hold.respond().send_response(accept.to_response(), false);
        match sent {
            Ok(send) => Ok((send, hold, log.opened())),
            Err(error) => {
                hold.count_if_taken_back();
                let cut = hold.was_cut().map(TunnelError::Cut);
                let ended_here = cut.or_else(|| failure.ended());
                Err(ended_here.unwrap_or_else(|| match error.reason() {
                    Some(reason) => TunnelError::Reset(Reason::from_wire(reason.into())),
                    None => TunnelError::Lost(Loss::Closed),
                }))
            }
        }
    }

    /// Sends what a rejected CONNECT is answered with.
    pub(crate) fn reject(mut self, reject: &Reject) {
        if let Some(hold) = self.hold.take() {
            hold.count_if_taken_back();
            refuse(&mut hold.respond(), reject);
            if let Some(log) = self.log.take() {
                log.refused(reject);
            }
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(hold) = &self.hold {
            hold.count_if_taken_back();
            hold.cut(Cut::Abandoned);
        }
    }
}

/// Sends what a rejected request is answered with.
///
/// Specification: HBONE-S-002.
pub(crate) fn refuse(respond: &mut SendResponse<Bytes>, reject: &Reject) {
    match reject.answer() {
        // A client that has given up meanwhile does not miss the answer.
        Answer::Status(_) => drop(respond.send_response(reject.to_response(), true)),
        _ => respond.send_reset(Reason::REFUSED_STREAM.to_wire().into()),
    }
}
