use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use hbone::{
    Accept, Connect, Establish, EstablishError, Established, ExpectedIdentities, Identity,
    LinkFailure, Reason, Request, RequestAction, RequestError, RequestLimits, Role, Timeouts,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::deadline::{stage, within};
use crate::http2::Http2Config;
use crate::observed::{Failure, Observed};
use crate::tls::ClientTls;
use crate::tunnel::TunnelIo;

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
        let mut establish =
            Establish::over_tcp(address, expect.clone(), config.timeouts, Instant::now());
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
        establish.handle_connected(Instant::now())?;
        Self::secure(config, establish, socket).await
    }

    pub(crate) async fn over_tunnel(
        config: &LinkConfig,
        tunnel: TunnelIo,
        expect: &ExpectedIdentities,
    ) -> Result<Self, EstablishError> {
        let establish = Establish::over_tunnel(expect.clone(), config.timeouts, Instant::now());
        Self::secure(config, establish, tunnel).await
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
        let (stream, peer) = stage(&mut establish, config.tls.connect(io, &expect)).await?;
        establish.handle_secured(&peer, stream.get_ref().1.alpn_protocol(), Instant::now())?;
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
        tokio::spawn(async move {
            // Whoever has a stream on the connection learns of its end there.
            let _ = connection.await;
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
    ) -> Result<(TunnelIo, Accept), RequestError> {
        let mut request = Request::new(limits, Instant::now());
        let exchange = self.exchange(connect, &mut request);
        match pin!(exchange).await {
            (Some(tunnel), Ok(accept)) => Ok((tunnel, accept)),
            (None, Ok(_)) => Err(RequestError::Cancelled),
            (_, Err(error)) => Err(error),
        }
    }

    async fn exchange(
        &self,
        connect: &Connect,
        request: &mut Request,
    ) -> (Option<TunnelIo>, Result<Accept, RequestError>) {
        let ready = within(request.poll_timeout(), self.send.clone().ready()).await;
        let sent = match ready {
            Some(Ok(mut send)) => send.send_request(connect.to_request(), false),
            Some(Err(error)) => Err(error),
            None => {
                request.handle_timeout(Instant::now());
                return (None, outcome(request, None));
            }
        };
        let (mut response, mut stream) = match sent {
            Ok(sent) => sent,
            Err(error) => {
                self.report(request, &error);
                return (None, outcome(request, None));
            }
        };
        loop {
            let next = poll_fn(|cx| {
                if let Poll::Ready(Some(informational)) = response.poll_informational(cx) {
                    return Poll::Ready(Event::Informational(informational));
                }
                Pin::new(&mut response).poll(cx).map(Event::Final)
            });
            let mut body = None;
            match within(request.poll_timeout(), next).await {
                Some(Event::Informational(Ok(head))) => request.handle_informational(head.status()),
                Some(Event::Informational(Err(error)) | Event::Final(Err(error))) => {
                    self.report(request, &error)
                }
                Some(Event::Final(Ok(head))) => {
                    let (parts, receive) = head.into_parts();
                    request.handle_response(&parts);
                    body = Some(receive);
                }
                None => request.handle_timeout(Instant::now()),
            }
            if request.poll_timeout().is_none() {
                let outcome = outcome(request, Some(&mut stream));
                let tunnel = body
                    .map(|body| TunnelIo::new(Role::Client, stream, body, self.failure.clone()));
                return (tunnel, outcome);
            }
        }
    }

    fn report(&self, request: &mut Request, error: &h2::Error) {
        let reason = error
            .reason()
            .map(|reason| Reason::from_wire(reason.into()));
        match reason {
            Some(_) if error.is_go_away() && error.is_remote() => request.handle_goaway(),
            Some(reason) if error.is_reset() && error.is_remote() => request.handle_reset(reason),
            _ if error.is_reset() => request.handle_malformed(error.to_string()),
            _ => request.handle_connection_lost(self.failure.explain(error)),
        }
    }
}

enum Event {
    Informational(Result<http::Response<()>, h2::Error>),
    Final(Result<http::Response<h2::RecvStream>, h2::Error>),
}

/// Runs the request machine dry: resets the stream if it says so, and returns how it ended.
fn outcome(
    request: &mut Request,
    mut stream: Option<&mut h2::SendStream<Bytes>>,
) -> Result<Accept, RequestError> {
    loop {
        match request.poll() {
            Some(RequestAction::Reset(reason)) => {
                if let Some(stream) = &mut stream {
                    stream.send_reset(reason.to_wire().into());
                }
            }
            Some(RequestAction::Ended(outcome)) => return outcome,
            Some(_) => {}
            None => return Err(RequestError::Cancelled),
        }
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
