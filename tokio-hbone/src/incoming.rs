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
///
/// Specification: HBONE-S-001, HBONE-S-012, HBONE-L-011.
pub struct Incoming(Box<Inner>);

/// Boxed, so that the futures through which a CONNECT is handed do not each have the space for one.
struct Inner {
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
    pub(crate) fn new(
        connect: Connect,
        head: request::Parts,
        peer: Identity,
        body: RecvStream,
        answering: Answering,
        failure: Failure,
        tending: Tending,
    ) -> Self {
        Self(Box::new(Inner {
            connect,
            head,
            peer,
            addresses: None,
            body,
            answering,
            failure,
            tending,
        }))
    }

    pub(crate) fn at(mut self, addresses: Option<Addresses>) -> Self {
        self.0.addresses = addresses;
        self
    }

    /// What the client asks for, and what it says about itself.
    #[must_use]
    pub fn connect(&self) -> &Connect {
        &self.0.connect
    }

    /// The head as it came, for logs and tools.
    #[must_use]
    pub fn head(&self) -> &request::Parts {
        &self.0.head
    }

    /// Who the client is, proved by the TLS handshake.
    #[must_use]
    pub fn peer(&self) -> &Identity {
        &self.0.peer
    }

    /// Which CONNECT it is in [`Event`](crate::Event)s.
    #[must_use]
    pub fn info(&self) -> TunnelInfo {
        self.0.answering.info()
    }

    /// The two ends of the socket below, if a [`Server`](crate::Server) accepted it.
    #[must_use]
    pub fn addresses(&self) -> Option<Addresses> {
        self.0.addresses
    }

    /// Ends the CONNECT, or the tunnel that becomes of it, from elsewhere.
    #[must_use]
    pub fn handle(&self) -> TunnelHandle {
        self.0.answering.handle()
    }

    /// Waits until the client no longer wants an answer, or the connection is lost or the CONNECT cut. Race it against
    /// connecting upstream, so that a client that gives up costs nothing more. The future may be dropped at any point; of several
    /// tasks that wait at once, only the last to ask is sure to be woken.
    pub async fn given_up(&self) {
        self.0.answering.unwanted().await;
    }

    pub(crate) fn scope(&self) -> Scope {
        self.0.answering.scope()
    }

    /// Answers 200: the tunnel is open. Call it only once the destination is connected.
    ///
    /// # Errors
    /// [`TunnelError`] if the client has given up meanwhile.
    pub fn accept(self, accept: &Accept) -> Result<Tunnel, TunnelError> {
        let Inner {
            peer,
            body,
            answering,
            failure,
            tending,
            ..
        } = *self.0;
        let (send, hold, log) = answering.accept(accept, &failure)?;
        let io = TunnelIo::new(Role::Server, send, body, failure, tending, log);
        Ok(Tunnel::new(io.held_by(hold), peer, Vec::new()))
    }

    /// Answers as `reject` says: with a status and no body, or with a reset that invites another try elsewhere.
    pub fn reject(self, reject: &Reject) {
        self.0.answering.reject(reject);
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Incoming({} from {})",
            self.0.connect.authority, self.0.peer
        )
    }
}
