use std::time::Duration;

use hbone::{Establish, EstablishError, Established, Role, Timeouts};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::batched::Batched;
use crate::connection::{Addresses, Connection, ConnectionConfig, Http2};
use crate::deadline::{now, stage};
use crate::http2::Http2Config;
use crate::observe::{Monitor, Observer, Stats};
use crate::observed::{Observed, Watched};
use crate::pulse::Pulse;
use crate::read_ahead::ReadAhead;
use crate::sealed::Sealed;
use crate::tls::{LivePeer, ServerTls};
use crate::wire::ServerFlusher;

/// Turns accepted sockets, or open tunnels, into HBONE connections.
///
/// It listens on nothing itself: whoever owns the listener hands each IO in, usually in a task of its own, so that a
/// slow handshake delays nobody else. [`Server`](crate::Server) does all of that.
///
/// ```no_run
/// use hbone::Accept;
/// use tokio::net::TcpStream;
/// use tokio_hbone::{Acceptor, copy_bidirectional};
///
/// # async fn serve(acceptor: Acceptor, socket: TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = acceptor.accept(socket).await?;
/// while let Some(incoming) = connection.next().await {
///     // Policy comes first: whom does `incoming.peer()` want us to reach with `incoming.connect()`?
///     tokio::spawn(async move {
///         let mut upstream = TcpStream::connect("127.0.0.1:8080").await?;
///         let mut tunnel = incoming.accept(&Accept::default())?;
///         copy_bidirectional(&mut tunnel, &mut upstream).await.end?;
///         Ok::<(), std::io::Error>(())
///     });
/// }
/// # Ok(())
/// # }
/// ```
///
/// Specification: HBONE-Q-006.
#[derive(Clone, Debug)]
pub struct Acceptor {
    tls: ServerTls,
    http2: Http2Config,
    timeouts: Timeouts,
    connection: ConnectionConfig,
    monitor: Monitor,
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
            monitor: Monitor::default(),
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

    /// The same, telling `observer` what happens, and with [`stats`](Self::stats) of its own from now on.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer) -> Self {
        self.monitor = Monitor::telling(observer);
        self
    }

    /// What this acceptor, its clones and their connections have done, and hold now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.monitor.stats()
    }

    pub(crate) const fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// How long its connections take to drain at most.
    pub(crate) const fn drain_deadline(&self) -> Duration {
        self.connection.drain.deadline
    }

    /// Shakes hands with the client at the other end of `io`, which is closed if the future is dropped before that is done.
    ///
    /// # Errors
    /// [`EstablishError`] if no trust bundle vouches for the client, it does not speak HTTP/2, or it is too slow.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer on.
    pub async fn accept<IO>(&self, io: IO) -> Result<Connection<IO>, EstablishError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.accept_from(io, None).await
    }

    /// The same, where it is known what sockets are below.
    pub(crate) async fn accept_from<IO>(
        &self,
        io: IO,
        addresses: Option<Addresses>,
    ) -> Result<Connection<IO>, EstablishError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let client = addresses.map(|addresses| addresses.client);
        let handshake = self.monitor.handshake(Role::Server, client);
        match self.shake_hands(io).await {
            Ok((http2, flusher, peer, watched)) => {
                let open = handshake.done(peer.identity());
                let streams = self.http2.concurrent_streams;
                let config = self.connection;
                let connection =
                    Connection::new(http2, flusher, peer, &watched, open, streams, config);
                Ok(connection.at(addresses))
            }
            Err(error) => {
                handshake.failed(&error);
                Err(error)
            }
        }
    }

    async fn shake_hands<IO>(
        &self,
        io: IO,
    ) -> Result<(Http2<IO>, ServerFlusher<IO>, LivePeer, Watched), EstablishError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut establish = Establish::accepted(self.timeouts, now());
        let pulse = Pulse::default();
        // Each stage in a box of its own, which goes with it: otherwise whoever connects and says nothing would hold the space
        // for all of them, several times over.
        let securing = Box::pin(self.tls.accept(ReadAhead::new(io, pulse.clone())));
        let (stream, peer) = stage(&mut establish, securing).await?;
        let alpn = stream.get_ref().1.alpn_protocol();
        establish.handle_secured(peer.identity(), alpn, now())?;
        if let Some(Err(error)) = establish.poll() {
            return Err(error);
        }
        let io = Observed::new(Sealed::new(stream), pulse);
        let watched = io.watched();
        let io = Batched::new(io);
        let flusher = io.flusher();
        let builder = self.http2.server_builder();
        let preface = async {
            builder
                .handshake(io)
                .await
                .map_err(|error| watched.failure.explain(&error))
        };
        let http2 = stage(&mut establish, Box::pin(preface)).await?;
        establish.handle_settings()?;
        match establish.poll() {
            Some(Ok(Established { .. })) => Ok((http2, flusher, peer, watched)),
            Some(Err(error)) => Err(error),
            None => Err(EstablishError::Closed(establish.stage())),
        }
    }
}
