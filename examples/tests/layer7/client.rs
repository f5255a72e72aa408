use std::net::SocketAddr;

use bytes::Bytes;
use hbone::{Connect, Forwarded, Hop, Identity, Route};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_hbone::{Pool, Tunnel};

use crate::setting::Setting;
use crate::world::id;

/// A connection to a service, through the waypoint: what a node proxy opens for an application.
pub(crate) enum Client {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Client {
    /// Speaks this version of HTTP to `authority`.
    pub(crate) async fn connect(setting: &Setting, authority: &str, version: Version) -> Self {
        Self::over(tunnel(setting, authority).await, version).await
    }

    async fn over<IO>(io: IO, version: Version) -> Self
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = TokioIo::new(io);
        match version {
            Version::HTTP_2 => {
                let handshake = http2::handshake(TokioExecutor::new(), io).await;
                let (sender, connection) = handshake.expect("HTTP/2");
                tokio::spawn(connection);
                Self::Http2(sender)
            }
            _ => {
                let (sender, connection) = http1::handshake(io).await.expect("HTTP/1");
                tokio::spawn(connection.with_upgrades());
                Self::Http1(sender)
            }
        }
    }

    /// Speaks this version of HTTP to the ingress gateway.
    pub(crate) async fn outside(setting: &Setting, version: Version) -> Self {
        let socket = TcpStream::connect(setting.ingress())
            .await
            .expect("it listens");
        Self::over(socket, version).await
    }

    /// A request to be sent with a body.
    pub(crate) fn post(&self, host: &str, path: &str) -> http::request::Builder {
        match self {
            Self::Http1(_) => Request::post(path).header("host", host),
            Self::Http2(_) => Request::post(format!("http://{host}{path}")),
        }
    }

    pub(crate) async fn get(&mut self, host: &str, path: &str) -> Answer {
        let request = match self {
            Self::Http1(_) => Request::get(path).header("host", host),
            Self::Http2(_) => Request::get(format!("http://{host}{path}")),
        };
        self.send(request.body(Full::default()).expect("a request"))
            .await
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        Answer::read(self.start(request).await).await
    }

    /// A request over HTTP/2, beside which there may be others.
    pub(crate) fn starting(
        &mut self,
        host: &str,
        path: &str,
    ) -> impl Future<Output = Response<Incoming>> + use<> {
        let Self::Http2(sender) = self else {
            panic!("one after another");
        };
        let request = Request::get(format!("http://{host}{path}"));
        let request = request.body(Full::default()).expect("a request");
        let response = sender.send_request(request);
        async { response.await.expect("an answer") }
    }

    /// An answer of which only the head has come.
    pub(crate) async fn start(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let response = match self {
            Self::Http1(sender) => {
                sender.ready().await.expect("a connection");
                sender.send_request(request).await
            }
            Self::Http2(sender) => sender.send_request(request).await,
        };
        response.expect("an answer")
    }
}

impl Answer {
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body");
        Self {
            status: parts.status,
            headers: parts.headers,
            trailers: body.trailers().cloned().unwrap_or_default(),
            body: body.to_bytes(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// A tunnel to `authority` through the waypoint.
pub(crate) async fn tunnel(setting: &Setting, authority: &str) -> Tunnel {
    tunnel_through(setting, authority, None).await
}

/// The same of a client that has come through these proxies.
pub(crate) async fn tunnel_through(
    setting: &Setting,
    authority: &str,
    forwarded: Option<Forwarded>,
) -> Tunnel {
    let mut connect = Connect::new(authority.parse().expect("an authority"));
    connect.forwarded = forwarded;
    let waypoint = Identity::parse(&id("waypoint")).expect("an id");
    let baggage = "k8s.cluster.name=c-east,k8s.namespace.name=shop,k8s.deployment.name=web,service.name=web,service.version=v3";
    connect.baggage = http::HeaderValue::from_static(baggage).into();
    let route = Route::new(setting.waypoint(), Hop::new(connect, waypoint.into()));
    let pool = Pool::new(setting.world.connector("client"));
    pool.connect(&route).await.expect("a tunnel")
}

/// What is answered to a plain GET.
pub(crate) async fn get(at: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(at).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n");
    socket
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    answer
}
