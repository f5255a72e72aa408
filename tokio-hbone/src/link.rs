use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use hbone::{
    Connect, Cut, Establish, EstablishError, Established, ExpectedIdentities, Identity,
    LinkFailure, RequestError, RequestLimits, Timeouts,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::deadline::{now, stage};
use crate::exchange::{self, Opened};
use crate::http2::Http2Config;
use crate::observed::{Failure, Observed};
use crate::tls::ClientTls;
use crate::tunnel::{Lingering, TunnelIo};

/// A client's connection to one HBONE peer. It lives until the last clone and the last tunnel on it are gone.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    send: SendRequest<Bytes>,
    peer: Identity,
    failure: Failure,
}

/// What it takes to make a [`Link`].
#[derive(Clone, Debug)]
pub(crate) struct LinkConfig {
    pub(crate) tls: ClientTls,
    pub(crate) http2: Http2Config,
    pub(crate) timeouts: Timeouts,
}

impl Link {
    pub(crate) async fn over_tcp(
        config: &LinkConfig,
        address: SocketAddr,
        expect: &ExpectedIdentities,
    ) -> Result<Self, EstablishError> {
        let mut establish = Establish::over_tcp(address, expect.clone(), config.timeouts, now());
        let connecting = async {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok(socket)
        };
        let connecting = async {
            connecting
                .await
                .map_err(|error: std::io::Error| LinkFailure::Io(error.kind()))
        };
        let socket = stage(&mut establish, connecting).await?;
        establish.handle_connected(now())?;
        Self::secure(config, establish, socket).await
    }

    pub(crate) async fn over_tunnel(
        config: &LinkConfig,
        tunnel: TunnelIo,
        expect: &ExpectedIdentities,
    ) -> Result<Self, EstablishError> {
        Self::over_io(config, Lingering::new(tunnel), expect).await
    }

    pub(crate) async fn over_io<IO>(
        config: &LinkConfig,
        io: IO,
        expect: &ExpectedIdentities,
    ) -> Result<Self, EstablishError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let establish = Establish::over_tunnel(expect.clone(), config.timeouts, now());
        Self::secure(config, establish, io).await
    }

    async fn secure<IO>(
        config: &LinkConfig,
        mut establish: Establish,
        io: IO,
    ) -> Result<Self, EstablishError>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let expect = establish.expect().cloned().unwrap_or_default();
        let (stream, mut live) = stage(&mut establish, config.tls.connect(io, &expect)).await?;
        establish.handle_secured(live.identity(), stream.get_ref().1.alpn_protocol(), now())?;
        if let Some(Err(error)) = establish.poll() {
            return Err(error);
        }
        let io = Observed::new(stream);
        let failure = io.failure();
        let builder = config.http2.client_builder();
        let handshake = async {
            builder
                .handshake(io)
                .await
                .map_err(|error| failure.explain(&error))
        };
        let (send, mut connection) = stage(&mut establish, handshake).await?;
        stage(&mut establish, settings(&mut connection, &failure)).await?;
        establish.handle_settings()?;
        let Some(Ok(Established { peer, .. })) = establish.poll() else {
            return Err(EstablishError::Closed(establish.stage()));
        };
        let ended = failure.clone();
        tokio::spawn(async move {
            // Whoever has a stream on the connection learns of its end there.
            if live.unless_revoked(&mut connection).await.is_none() {
                // The tunnels learn of it when the connection is dropped, which must not be before.
                ended.cut(Cut::Revoked);
            }
        });
        Ok(Self {
            send,
            peer,
            failure,
        })
    }

    pub(crate) const fn peer(&self) -> &Identity {
        &self.peer
    }

    /// Sends one CONNECT and waits for its answer.
    pub(crate) async fn request(
        &self,
        connect: &Connect,
        limits: RequestLimits,
    ) -> Result<Opened, RequestError> {
        exchange::request(self.send.clone(), &self.failure, connect, limits).await
    }
}

/// Drives the connection until the peer's SETTINGS allow a stream.
///
/// Until then h2 reads the limit as the 0 that we start with, so a peer that allows none at all looks like one that says
/// nothing, and ends with the deadline too.
async fn settings<IO>(
    connection: &mut Connection<IO, Bytes>,
    failure: &Failure,
) -> Result<(), LinkFailure>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| match Pin::new(&mut *connection).poll(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(Err(LinkFailure::Closed)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(failure.explain(&error))),
        Poll::Pending if connection.max_concurrent_send_streams() > 0 => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await
}
