use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::server;
use hbone::{Connect, ConnectOptions, Cut, Identity};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::answering::Answering;
use crate::incoming::Incoming;
use crate::observed::{Failure, Observed};
use crate::tls::LivePeer;

type Request = (http::Request<RecvStream>, server::SendResponse<Bytes>);

/// How long a revoked client may take to read its GOAWAY. Its tunnels are cut before that.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// One client's connection to us.
///
/// [`next`](Self::next) is also what moves the bytes of every tunnel on the connection, so call it in a loop and hand
/// each [`Incoming`] to a task of its own.
pub struct Connection<IO> {
    http2: server::Connection<Observed<TlsStream<IO>>, Bytes>,
    peer: LivePeer,
    failure: Failure,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub(crate) const fn new(
        http2: server::Connection<Observed<TlsStream<IO>>, Bytes>,
        peer: LivePeer,
        failure: Failure,
    ) -> Self {
        Self {
            http2,
            peer,
            failure,
        }
    }

    /// Who the client is, proved by the TLS handshake.
    #[must_use]
    pub const fn peer(&self) -> &Identity {
        self.peer.identity()
    }

    /// The next CONNECT, or `None` when the connection is over. Requests that are no CONNECT, or one that makes no
    /// sense, are answered here and do not come out.
    pub async fn next(&mut self) -> Option<Incoming> {
        loop {
            // How a connection ends is for its tunnels to learn; nothing more will come of it in either case.
            let (request, respond) = self.accept().await?.ok()?;
            let (parts, body) = request.into_parts();
            let answering = Answering::new(respond);
            match Connect::from_parts(&parts, ConnectOptions::new()) {
                Ok(connect) => {
                    let (peer, failure) = (self.peer().clone(), self.failure.clone());
                    return Some(Incoming::new(
                        connect, parts, peer, body, answering, failure,
                    ));
                }
                Err(reject) => answering.reject(&reject),
            }
        }
    }

    /// The next request, whatever it is, unless the peer is revoked: then GOAWAY, and nothing more.
    async fn accept(&mut self) -> Option<Result<Request, h2::Error>> {
        if let Some(request) = self.peer.unless_revoked(self.http2.accept()).await {
            return request;
        }
        if self.failure.was_cut().is_none() {
            self.failure.cut(Cut::Revoked);
            self.http2.abrupt_shutdown(h2::Reason::INADEQUATE_SECURITY);
        }
        // What the client has not opened meanwhile it never will; what is left is to say so, if it still listens.
        let _ = timeout(LAST_WORDS, self.http2.accept()).await;
        None
    }

    /// Begins to drain: the client is told to open nothing new here, what is open goes on, and
    /// [`next`](Self::next) ends when the last tunnel has (RFC 9113 section 6.8).
    pub fn drain(&mut self) {
        self.http2.graceful_shutdown();
    }
}

impl<IO> fmt::Debug for Connection<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection(from {})", self.peer.identity())
    }
}
