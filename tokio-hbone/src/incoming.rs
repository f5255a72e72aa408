use std::fmt;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use hbone::{Accept, Answer, Connect, Identity, Loss, Reason, Reject, Role, TunnelError};
use http::request;

use crate::observed::Failure;
use crate::tunnel::{Tunnel, TunnelIo};

/// A CONNECT that waits for its answer. Dropping it unanswered resets the stream.
pub struct Incoming {
    connect: Connect,
    head: request::Parts,
    peer: Identity,
    body: RecvStream,
    respond: SendResponse<Bytes>,
    failure: Failure,
}

impl Incoming {
    pub(crate) const fn new(
        connect: Connect,
        head: request::Parts,
        peer: Identity,
        body: RecvStream,
        respond: SendResponse<Bytes>,
        failure: Failure,
    ) -> Self {
        Self {
            connect,
            head,
            peer,
            body,
            respond,
            failure,
        }
    }

    /// What the client asks for, and what it says about itself.
    #[must_use]
    pub const fn connect(&self) -> &Connect {
        &self.connect
    }

    /// The head as it came, for logs and tools.
    #[must_use]
    pub const fn head(&self) -> &request::Parts {
        &self.head
    }

    /// Who the client is, proved by the TLS handshake.
    #[must_use]
    pub const fn peer(&self) -> &Identity {
        &self.peer
    }

    /// Waits until the client no longer wants an answer. Race it against connecting upstream, so that a client that
    /// gives up costs nothing more.
    pub async fn given_up(&mut self) {
        let _ = std::future::poll_fn(|cx| self.respond.poll_reset(cx)).await;
    }

    /// Answers 200: the tunnel is open. Call it only once the destination is connected.
    ///
    /// # Errors
    /// [`TunnelError`] if the client has given up meanwhile.
    pub fn accept(mut self, accept: &Accept) -> Result<Tunnel, TunnelError> {
        let sent = self.respond.send_response(accept.to_response(), false);
        let send = sent.map_err(|error| match error.reason() {
            Some(reason) => TunnelError::Reset(Reason::from_wire(reason.into())),
            None => TunnelError::Lost(Loss::Closed),
        })?;
        let io = TunnelIo::new(Role::Server, send, self.body, self.failure);
        Ok(Tunnel::new(io, self.peer, Vec::new()))
    }

    /// Answers as `reject` says: with a status and no body, or with a reset that invites another try elsewhere.
    pub fn reject(mut self, reject: &Reject) {
        refuse(&mut self.respond, reject);
    }
}

/// Sends what a rejected CONNECT is answered with.
pub(crate) fn refuse(respond: &mut SendResponse<Bytes>, reject: &Reject) {
    match reject.answer() {
        // A client that has given up meanwhile does not miss the answer.
        Answer::Status(_) => drop(respond.send_response(reject.to_response(), true)),
        _ => respond.send_reset(Reason::REFUSED_STREAM.to_wire().into()),
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incoming({} from {})", self.connect.authority, self.peer)
    }
}
