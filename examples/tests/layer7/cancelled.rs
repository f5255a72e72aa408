//! What one end of an HTTP/2 stream takes back reaches the other end, with the same reason. And two things that HTTP/2 has a way of its
//! own for: a body that waits for a word, and CONNECT for something else than a tunnel.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::ext::Protocol;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use hbone::Accept;
use http::{Method, Request, Response, StatusCode, Version};
use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_hbone::tls::{PemFiles, ServerTls};
use tokio_hbone::{Acceptor, Handler, Incoming, Server as Tunnels};

use crate::client::tunnel;
use crate::process::{PATIENCE, Process};
use crate::server::Server;
use crate::setting::{NEAR, Setting};

/// What a server was told.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Request,
    /// The client wants no more of the answer.
    Reset(Reason),
    /// There is no more of the request.
    Broken(Option<Reason>),
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_takes_back_is_taken_back_from_the_server() {
    let (setting, mut pod, _proxies) = start().await;
    for mut client in both_ways(&setting).await {
        // After the answer has begun, and before.
        for path in ["/begin", "/wait"] {
            let (response, mut request) = call(&mut client, path).await;
            assert_eq!(pod.hears().await, Heard::Request);
            if path == "/begin" {
                let (_, mut body) = in_time(response).await.expect("an answer").into_parts();
                let first = in_time(body.data()).await.expect("more").expect("bytes");
                assert_eq!(&first[..], b"begun");
                request.send_reset(Reason::CANCEL);
            } else {
                request.send_reset(Reason::CANCEL);
                drop(response);
            }
            let mut heard = [pod.hears().await, pod.hears().await];
            heard.sort_by_key(|heard| matches!(heard, Heard::Broken(_)));
            assert_eq!(
                heard,
                [
                    Heard::Reset(Reason::CANCEL),
                    Heard::Broken(Some(Reason::CANCEL))
                ],
                "{path}"
            );
        }
        // Others on the same connection know nothing of it.
        let (response, request) = call(&mut client, "/begin").await;
        assert_eq!(in_time(response).await.expect("an answer").status(), 200);
        assert_eq!(pod.hears().await, Heard::Request);
        drop((client, request));
        pod.hears().await;
        pod.hears().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_takes_back_is_taken_back_from_the_client() {
    let (setting, _pod, _proxies) = start().await;
    for mut client in both_ways(&setting).await {
        for (path, reason) in [
            ("/cancel", Reason::CANCEL),
            ("/refuse", Reason::ENHANCE_YOUR_CALM),
        ] {
            let (response, mut request) = call(&mut client, path).await;
            let mut body = in_time(response).await.expect("an answer").into_body();
            let first = in_time(body.data()).await.expect("more").expect("bytes");
            assert_eq!(&first[..], b"begun");
            let go_on = Bytes::from_static(b"go on");
            request.send_data(go_on, false).expect("room");
            let broken = in_time(body.data())
                .await
                .expect("more")
                .expect_err("a reset");
            assert_eq!(broken.reason(), Some(reason), "{path}");
        }
        // Before it has answered, the call is answered in its stead, so that its client knows what to do.
        let (response, _request) = call(&mut client, "/never").await;
        let response = in_time(response).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["grpc-status"], "14");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_waits_for_a_word_waits_for_nothing_it_cannot_have() {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let (_waypoint, _ingress) = (
        setting.start_waypoint(&[]).await,
        setting.start_ingress(&[]).await,
    );
    let _server = Server::start(&setting, 30, Duration::ZERO).await;
    for mut client in both_ways(&setting).await {
        let mut ask = async |path: &str| {
            let request = Request::post(format!("http://{NEAR}{path}"));
            let request = request.header("expect", "100-continue").body(());
            client.clone().ready().await.expect("it is open");
            client
                .send_request(request.expect("a request"), false)
                .expect("a stream")
        };
        // This server does not want it: its answer is not held back until a body comes that will not.
        let (response, _request) = ask("/").await;
        assert_eq!(in_time(response).await.expect("an answer").status(), 200);
        // This one wants it, and gets it when the client is tired of waiting, as it must be some time (RFC 9110 section 10.1.1).
        let (response, mut request) = ask("/echo").await;
        let body = Bytes::from_static(b"hello");
        request.send_data(body.clone(), true).expect("room");
        let response = in_time(response).await.expect("an answer");
        assert_eq!(response.status(), 200);
        let mut answer = response.into_body();
        assert_eq!(
            in_time(answer.data()).await.expect("more").expect("bytes"),
            body
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_for_another_protocol_is_not_offered_and_not_taken() {
    let (setting, mut pod, _proxies) = start().await;
    for mut client in both_ways(&setting).await {
        // The settings have come by then.
        let (response, first) = call(&mut client, "/begin").await;
        in_time(response).await.expect("an answer");
        assert!(!client.is_extended_connect_protocol_enabled());
        let mut request = Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = format!("http://{NEAR}/chat").parse().expect("a target");
        let protocol = Protocol::from_static("websocket");
        request.extensions_mut().insert(protocol);
        let (response, _request) = client.send_request(request, false).expect("a stream");
        let refused = in_time(response).await.expect_err("no answer");
        assert_eq!(refused.reason(), Some(Reason::PROTOCOL_ERROR));
        assert_eq!(pod.hears().await, Heard::Request, "of the first");
        drop((client, first));
        pod.hears().await;
        pod.hears().await;
    }
}

async fn start() -> (Setting, Pod, [Process; 2]) {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let pod = Pod::start(&setting, 30).await;
    let waypoint = setting.start_waypoint(&[]).await;
    let ingress = setting.start_ingress(&[]).await;
    (setting, pod, [waypoint, ingress])
}

/// A client of the waypoint, and one of the ingress gateway.
async fn both_ways(setting: &Setting) -> [SendRequest<Bytes>; 2] {
    let outside = TcpStream::connect(setting.ingress()).await;
    [
        client(tunnel(setting, &format!("{NEAR}:80")).await).await,
        client(outside.expect("it listens")).await,
    ]
}

async fn client<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static>(io: IO) -> SendRequest<Bytes> {
    let (client, connection) = h2::client::handshake(io).await.expect("HTTP/2");
    tokio::spawn(connection);
    client
}

/// Begins a gRPC call.
async fn call(client: &mut SendRequest<Bytes>, path: &str) -> (ResponseFuture, SendStream<Bytes>) {
    let request = Request::post(format!("http://{NEAR}{path}"));
    let request = request.header("content-type", "application/grpc");
    let request = request
        .header("te", "trailers")
        .body(())
        .expect("a request");
    client.clone().ready().await.expect("it is open");
    client.send_request(request, false).expect("a stream")
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("in time")
}

/// A server of HTTP/2 at the end of tunnels that tells what it hears.
struct Pod {
    serving: JoinHandle<()>,
    heard: UnboundedReceiver<Heard>,
}

struct Listening(UnboundedSender<Heard>);

impl Pod {
    async fn start(setting: &Setting, last: u8) -> Self {
        let world = &setting.world;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let files = PemFiles::new(world.file("echo.pem"), world.file("echo.key"))
            .with_bundle("cluster.local", world.file("root.pem"));
        let watch = files.watch(&provider, |_| {}).expect("certificates");
        let tls = ServerTls::from_source(provider, watch).expect("a configuration");
        let at = (world.ip(last), hbone::PORT);
        let listener = TcpListener::bind(at).await.expect("a free address");
        let (tell, heard) = unbounded_channel();
        let server = Tunnels::new(Acceptor::new(tls), Listening(tell));
        let serving = tokio::spawn(server.run(listener));
        Self { serving, heard }
    }

    async fn hears(&mut self) -> Heard {
        in_time(self.heard.recv()).await.expect("it listens")
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Handler for Listening {
    async fn handle(&self, asked: Incoming) {
        let Ok(tunnel) = asked.accept(&Accept::default()) else {
            return;
        };
        let Ok(mut connection) = h2::server::handshake(tunnel).await else {
            return;
        };
        while let Some(Ok((request, respond))) = connection.accept().await {
            tokio::spawn(answer(request, respond, self.0.clone()));
        }
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    tell: UnboundedSender<Heard>,
) {
    let (parts, mut body) = request.into_parts();
    // The test may be over.
    let _ = tell.send(Heard::Request);
    if parts.uri.path() == "/never" {
        return respond.send_reset(Reason::CANCEL);
    }
    let mut reset = None;
    if parts.uri.path() == "/wait" {
        reset = poll_fn(|cx| respond.poll_reset(cx)).await.ok();
    } else {
        let response = Response::builder().header("content-type", "application/grpc");
        let response = response.body(()).expect("a response");
        let mut stream = respond.send_response(response, false).expect("a stream");
        let begun = Bytes::from_static(b"begun");
        stream.send_data(begun, false).expect("a stream");
        match parts.uri.path() {
            path @ ("/cancel" | "/refuse") => {
                // What was sent before would be thrown away, if it had not come yet.
                let _ = body.data().await;
                return stream.send_reset(match path {
                    "/cancel" => Reason::CANCEL,
                    _ => Reason::ENHANCE_YOUR_CALM,
                });
            }
            _ => reset = poll_fn(|cx| stream.poll_reset(cx)).await.ok().or(reset),
        }
    }
    let _ = tell.send(Heard::Reset(reset.unwrap_or(Reason::NO_ERROR)));
    let broken = match body.data().await {
        Some(Err(error)) => error.reason(),
        _ => None,
    };
    let _ = tell.send(Heard::Broken(broken));
}
