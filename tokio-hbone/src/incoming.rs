use std::fmt;

use h2::RecvStream;
use hbone::{Accept, Connect, Identity, Reject, Role, TunnelError};
use http::request;

use crate::answering::Answering;
use crate::connection::{Addresses, TunnelHandle};
use crate::observe::{Scope, TunnelInfo};
use crate::observed::Failure;
use crate::tending::Tending;
use crate::tunnel::{Tunnel, TunnelIo};

/// A CONNECT that waits for its answer. Dropping it unanswered, as a handler does that panics, resets the
/// stream with INTERNAL_ERROR.
pub struct Incoming {
    connect: Connect,
    head: request::Parts,
    peer: Identity,
    addresses: Option<Addresses>,
    body: RecvStream,
    answering: Answering,
    failure: Failure,
    tending: Tending,
}

impl Incoming {
    pub(crate) const fn new(
        connect: Connect,
        head: request::Parts,
        peer: Identity,
        body: RecvStream,
        answering: Answering,
        failure: Failure,
        tending: Tending,
    ) -> Self {
        Self {
            connect,
            head,
            peer,
            addresses: None,
            body,
            answering,
            failure,
            tending,
        }
    }

    pub(crate) const fn at(mut self, addresses: Option<Addresses>) -> Self {
        self.addresses = addresses;
        self
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

    /// Which CONNECT it is in [`Event`](crate::Event)s.
    #[must_use]
    pub const fn info(&self) -> TunnelInfo {
        self.answering.info()
    }

    /// The two ends of the socket below, if a [`Server`](crate::Server) accepted it.
    #[must_use]
    pub const fn addresses(&self) -> Option<Addresses> {
        self.addresses
    }

    /// Ends the CONNECT, or the tunnel that becomes of it, from elsewhere.
    #[must_use]
    pub fn handle(&self) -> TunnelHandle {
        self.answering.handle()
    }

    /// Waits until the client no longer wants an answer, or the connection is lost or the CONNECT cut. Race it against
    /// connecting upstream, so that a client that gives up costs nothing more.
    pub async fn given_up(&self) {
        self.answering.unwanted().await;
    }

    pub(crate) fn scope(&self) -> Scope {
        self.answering.scope()
    }

    /// Answers 200: the tunnel is open. Call it only once the destination is connected.
    ///
    /// # Errors
    /// [`TunnelError`] if the client has given up meanwhile.
    pub fn accept(self, accept: &Accept) -> Result<Tunnel, TunnelError> {
        let (send, hold, log) = self.answering.accept(accept, &self.failure)?;
        let (failure, tending) = (self.failure, self.tending);
        let io = TunnelIo::new(Role::Server, send, self.body, failure, tending, log);
        Ok(Tunnel::new(io.held_by(hold), self.peer, Vec::new()))
    }

    /// Answers as `reject` says: with a status and no body, or with a reset that invites another try elsewhere.
    pub fn reject(self, reject: &Reject) {
        self.answering.reject(reject);
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incoming({} from {})", self.connect.authority, self.peer)
    }
}
