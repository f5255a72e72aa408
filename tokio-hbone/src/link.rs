use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use hbone::{
    Connect, Establish, EstablishError, Established, ExpectedIdentities, Identity, KeepaliveConfig,
    LinkFailure, Loss, RequestError, RequestLimits, Role, Timeouts, TunnelError,
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::batched::Batched;
use crate::deadline::{now, stage};
use crate::driver::Driver;
use crate::exchange::{self, Opened};
use crate::heartbeat::Heartbeat;
use crate::http2::{Http2Config, max_send_streams};
use crate::observe::{Handshake, Monitor, Watch};
use crate::observed::{Failure, Observed, Watched};
use crate::pulse::Pulse;
use crate::read_ahead::ReadAhead;
use crate::sealed::Sealed;
use crate::tending::Tending;
use crate::tls::{ClientTls, LivePeer};
use crate::transport::{BoxIo, Transport};
use crate::tunnel::{Lingering, TunnelIo};
use crate::wire::{ClientFlusher, ClientWire};

/// A client's connection to one HBONE peer. It lives until the last clone and the last tunnel on it are gone.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    send: SendRequest<Bytes>,
    peer: Identity,
    failure: Failure,
    tending: Tending,
    watch: Watch,
}

/// What it takes to make a [`Link`].
#[derive(Clone, Debug)]
pub(crate) struct LinkConfig {
    pub(crate) tls: ClientTls,
    pub(crate) http2: Http2Config,
    pub(crate) timeouts: Timeouts,
    pub(crate) keepalive: Option<KeepaliveConfig>,
    pub(crate) transport: Transport,
    /// How many streams the peer's SETTINGS must allow for the connection to count.
    pub(crate) least_streams: u32,
    pub(crate) monitor: Monitor,
}

impl Link {
    pub(crate) async fn over_tcp(
        config: &LinkConfig,
        address: SocketAddr,
        expect: &ExpectedIdentities,
    ) -> Result<(Self, Driver<BoxIo>), EstablishError> {
        let handshake = config.monitor.handshake(Role::Client, Some(address));
        let establish = Establish::over_tcp(address, expect.clone(), config.timeouts, now());
        let dialling = async {
            let mut establish = establish;
            let socket = Self::dial(config, &mut establish, address).await?;
            Box::pin(Self::secure(config, establish, socket)).await
        };
        Self::told(handshake, dialling.await)
    }

    async fn dial(
        config: &LinkConfig,
        establish: &mut Establish,
        address: SocketAddr,
    ) -> Result<BoxIo, EstablishError> {
        let connecting = async {
            let connected = config.transport.connect(address).await;
            connected.map_err(|error| LinkFailure::Io(error.kind()))
        };
        let socket = stage(establish, connecting).await?;
        establish.handle_connected(now())?;
        Ok(socket)
    }

    pub(crate) async fn over_tunnel(
        config: &LinkConfig,
        tunnel: TunnelIo,
        expect: &ExpectedIdentities,
    ) -> Result<(Self, Driver<Lingering>), EstablishError> {
        Self::over_io(config, Lingering::new(tunnel), expect).await
    }

    pub(crate) async fn over_io<IO>(
        config: &LinkConfig,
        io: IO,
        expect: &ExpectedIdentities,
    ) -> Result<(Self, Driver<IO>), EstablishError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake = config.monitor.handshake(Role::Client, None);
        let establish = Establish::over_tunnel(expect.clone(), config.timeouts, now());
        // The state of a handshake is large, and whoever waits for it may be deep inside of something already.
        let secured = Box::pin(Self::secure(config, establish, io)).await;
        Self::told(handshake, secured)
    }

    /// What a handshake came to, once that is reported.
    fn told<IO: AsyncRead + AsyncWrite + Unpin>(
        handshake: Handshake,
        secured: Result<Secured<IO>, EstablishError>,
    ) -> Result<(Self, Driver<IO>), EstablishError> {
        let Secured {
            peer,
            send,
            failure,
            tending,
            http2,
            flusher,
            live,
            heartbeat,
        } = match secured {
            Ok(secured) => secured,
            Err(error) => {
                handshake.failed(&error);
                return Err(error);
            }
        };
        let open = handshake.done(&peer);
        let link = Self {
            send,
            peer,
            failure: failure.clone(),
            tending: tending.clone(),
            watch: open.watch().clone(),
        };
        let driver = Driver::new(http2, flusher, live, heartbeat, failure, tending, open);
        Ok((link, driver))
    }

    async fn secure<IO>(
        config: &LinkConfig,
        mut establish: Establish,
        io: IO,
    ) -> Result<Secured<IO>, EstablishError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let pulse = Pulse::default();
        let expect = establish.expect().cloned().unwrap_or_default();
        let (stream, live) = stage(
            &mut establish,
            config
                .tls
                .connect(ReadAhead::new(io, pulse.clone()), &expect),
        )
        .await?;
        establish.handle_secured(live.identity(), stream.get_ref().1.alpn_protocol(), now())?;
        if let Some(Err(error)) = establish.poll() {
            return Err(error);
        }
        let io = Observed::new(Sealed::new(stream), pulse);
        let Watched {
            failure,
            pulse,
            tending,
        } = io.watched();
        let io = Batched::new(io);
        let flusher = io.flusher();
        let builder = config.http2.client_builder();
        let handshake = async {
            builder
                .handshake(io)
                .await
                .map_err(|error| failure.explain(&error))
        };
        let (send, mut connection) = stage(&mut establish, handshake).await?;
        let least = config.least_streams;
        stage(&mut establish, settings(&mut connection, least, &failure)).await?;
        establish.handle_settings()?;
        let Some(Ok(Established { peer, .. })) = establish.poll() else {
            return Err(EstablishError::Closed(establish.stage()));
        };
        let heartbeat = Heartbeat::new(config.keepalive, connection.ping_pong(), pulse);
        Ok(Secured {
            peer,
            send,
            failure,
            tending,
            http2: connection,
            flusher,
            live,
            heartbeat,
        })
    }

    /// To open streams on the connection.
    pub(crate) fn send(&self) -> SendRequest<Bytes> {
        self.send.clone()
    }

    pub(crate) const fn peer(&self) -> &Identity {
        &self.peer
    }

    /// Whether the peer has stopped answering.
    pub(crate) fn was_given_up(&self) -> bool {
        self.failure.ended() == Some(TunnelError::Lost(Loss::Unanswered))
    }

    /// Sends one CONNECT and waits for its answer.
    pub(crate) async fn request(
        &self,
        connect: &Connect,
        limits: RequestLimits,
    ) -> Result<Opened, RequestError> {
        exchange::request(
            self.send.clone(),
            &self.failure,
            &self.tending,
            &self.watch,
            connect,
            limits,
        )
        .await
    }
}

/// A connection that has shaken hands.
struct Secured<IO> {
    peer: Identity,
    send: SendRequest<Bytes>,
    failure: Failure,
    tending: Tending,
    http2: Connection<ClientWire<IO>, Bytes>,
    flusher: ClientFlusher<IO>,
    live: LivePeer,
    heartbeat: Heartbeat,
}

/// Drives the connection until the peer's SETTINGS allow at least this many streams.
async fn settings<IO>(
    connection: &mut Connection<IO, Bytes>,
    least: u32,
    failure: &Failure,
) -> Result<(), LinkFailure>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| match Pin::new(&mut *connection).poll(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(Err(LinkFailure::Closed)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(failure.explain(&error))),
        Poll::Pending => match max_send_streams(connection) {
            Some(streams) if streams.is_none_or(|streams| streams >= least) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        },
    })
    .await
}
