use std::time::Duration;

use hbone::{Establish, EstablishError, Established, Timeouts};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::connection::{Connection, ConnectionConfig};
use crate::deadline::{now, stage};
use crate::http2::Http2Config;
use crate::observed::Observed;
use crate::tls::ServerTls;

/// Turns accepted sockets, or open tunnels, into HBONE connections.
///
/// It listens on nothing itself: whoever owns the listener hands each IO in, usually in a task of its own, so that a
/// slow handshake delays nobody else.
#[derive(Clone, Debug)]
pub struct Acceptor {
    tls: ServerTls,
    http2: Http2Config,
    timeouts: Timeouts,
    connection: ConnectionConfig,
}

impl Acceptor {
    /// An acceptor with default settings and deadlines.
    #[must_use]
    pub fn new(tls: ServerTls) -> Self {
        Self {
            tls,
            http2: Http2Config::server(),
            timeouts: Timeouts::default(),
            connection: ConnectionConfig::default(),
        }
    }

    /// The same with other HTTP/2 settings.
    #[must_use]
    pub const fn with_http2(mut self, http2: Http2Config) -> Self {
        self.http2 = http2;
        self
    }

    /// The same with other deadlines. Each is absolute: a client that sends a byte a second gains nothing.
    #[must_use]
    pub const fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The same with other limits on a connection.
    #[must_use]
    pub const fn with_connection(mut self, config: ConnectionConfig) -> Self {
        self.connection = config;
        self
    }

    /// How long its connections take to drain at most.
    pub(crate) const fn drain_deadline(&self) -> Duration {
        self.connection.drain.deadline
    }

    /// Shakes hands with the client at the other end of `io`.
    ///
    /// # Errors
    /// [`EstablishError`] if no trust bundle vouches for the client, it does not speak HTTP/2, or it is too slow.
    pub async fn accept<IO>(&self, io: IO) -> Result<Connection<IO>, EstablishError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut establish = Establish::accepted(self.timeouts, now());
        let (stream, peer) = stage(&mut establish, self.tls.accept(io)).await?;
        let alpn = stream.get_ref().1.alpn_protocol();
        establish.handle_secured(peer.identity(), alpn, now())?;
        if let Some(Err(error)) = establish.poll() {
            return Err(error);
        }
        let io = Observed::new(stream);
        let watched = io.watched();
        let builder = self.http2.server_builder();
        let preface = async {
            builder
                .handshake(io)
                .await
                .map_err(|error| watched.failure.explain(&error))
        };
        let http2 = stage(&mut establish, preface).await?;
        establish.handle_settings()?;
        match establish.poll() {
            Some(Ok(Established { .. })) => Ok(Connection::new(
                http2,
                peer,
                &watched,
                self.http2.concurrent_streams,
                self.connection,
            )),
            Some(Err(error)) => Err(error),
            None => Err(EstablishError::Closed(establish.stage())),
        }
    }
}
