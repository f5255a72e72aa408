//! SIGTERM loses nothing of what has begun: requests, streams, WebSockets and connections of TCP come to their ends.

use std::time::Duration;

use http::{Response, Version};
use hyper::body::Incoming;
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Answer, Client, tunnel};
use crate::process::{PATIENCE, Process};
use crate::raw::raw_tunnel;
use crate::server::Server;
use crate::setting::{NEAR, Setting};

const HOST: &str = "Host: near.shop.svc.cluster.local\r\n";
/// Requests at once, in each version.
const REQUESTS: usize = 12;
const LONG: [&str; 2] = ["--connection-termination-deadline", "30s"];
const SHORT: [&str; 2] = ["--connection-termination-deadline", "300ms"];

async fn start() -> (Setting, Server) {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let server = Server::start(&setting, 30, Duration::ZERO).await;
    (setting, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_waypoint_has_begun_comes_to_its_end() {
    let (setting, server) = start().await;
    let mut waypoint = setting.start_waypoint(&LONG).await;
    let mut clients = Vec::new();
    for _ in 0..REQUESTS {
        clients.push(Client::connect(&setting, &format!("{NEAR}:80"), Version::HTTP_11).await);
    }
    let http2 = Client::connect(&setting, &format!("{NEAR}:80"), Version::HTTP_2).await;
    let begun = Begun::all(&server, clients, http2).await;
    let mut chat = Chat::open(raw_tunnel(&setting).await).await;
    let mut upload = Upload::begin(raw_tunnel(&setting).await).await;
    let mut stream = tunnel(&setting, &format!("{NEAR}:80")).await;
    stream.write_all(b"*1\r\n").await.expect("it is open");
    heard(&mut stream, "30*1\r\n").await;

    terminate(&waypoint).await;
    chat.talk().await;
    upload.go_on().await;
    stream.write_all(b"more\r\n").await.expect("it is open");
    heard(&mut stream, "more\r\n").await;
    server.release();
    begun.end().await;
    chat.end().await;
    upload.end().await;
    stream.shutdown().await.expect("an end");
    ended(&mut stream).await;
    loses_nothing(&mut waypoint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_ingress_gateway_has_begun_comes_to_its_end() {
    let (setting, server) = start().await;
    let mut ingress = setting.start_ingress(&LONG).await;
    let mut clients = Vec::new();
    for _ in 0..REQUESTS {
        clients.push(Client::outside(&setting, Version::HTTP_11).await);
    }
    let http2 = Client::outside(&setting, Version::HTTP_2).await;
    let begun = Begun::all(&server, clients, http2).await;
    let mut chat = Chat::open(outside(&setting).await).await;
    let mut upload = Upload::begin(outside(&setting).await).await;
    let silent = outside(&setting).await;

    terminate(&ingress).await;
    chat.talk().await;
    upload.go_on().await;
    server.release();
    begun.end().await;
    chat.end().await;
    upload.end().await;
    loses_nothing(&mut ingress).await;
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_at_the_deadline_does_not_look_finished() {
    let (setting, _server) = start().await;
    let mut waypoint = setting.start_waypoint(&SHORT).await;
    let chat = Chat::open(raw_tunnel(&setting).await).await;
    let upload = Upload::begin(raw_tunnel(&setting).await).await;
    let mut stream = tunnel(&setting, &format!("{NEAR}:80")).await;
    stream.write_all(b"*1\r\n").await.expect("it is open");
    heard(&mut stream, "30*1\r\n").await;
    terminate(&waypoint).await;
    cut(chat.io).await;
    cut(upload.io).await;
    cut(stream).await;
    assert_eq!(waypoint.end().await.code(), Some(0));

    let mut ingress = setting.start_ingress(&SHORT).await;
    let chat = Chat::open(outside(&setting).await).await;
    let upload = Upload::begin(outside(&setting).await).await;
    terminate(&ingress).await;
    cut(chat.io).await;
    cut(upload.io).await;
    assert_eq!(ingress.end().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_cut_when_its_client_is_allowed_no_more() {
    let (setting, _server) = start().await;
    let waypoint = setting.start_waypoint(&[]).await;
    let mut chat = Chat::open(raw_tunnel(&setting).await).await;
    let mut mesh = setting.mesh(&[], &[(30, 1, true)]);
    mesh["policies"] = serde_json::json!([{
        "name": "nobody", "namespace": "shop", "scope": "Namespace", "action": "Deny",
        "rules": [[[{"principals": [{"exact": "cluster.local/ns/shop/sa/client"}]}]]],
    }]);
    chat.talk().await;
    setting.world.write(&mesh);
    waypoint.wait_for(&["is in force"], 1).await;
    cut(chat.io).await;
}

async fn outside(setting: &Setting) -> TcpStream {
    let socket = TcpStream::connect(setting.ingress()).await;
    socket.expect("it listens")
}

async fn terminate(proxy: &Process) {
    proxy.signal(Signal::TERM);
    proxy.wait_for(&["draining"], 1).await;
}

async fn loses_nothing(proxy: &mut Process) {
    assert_eq!(proxy.end().await.code(), Some(0));
    proxy.wait_for(&["drained"], 1).await;
    let complete = proxy
        .wait_for(&["request complete"], 2 * REQUESTS + 2)
        .await;
    for line in complete {
        assert!(line.contains("flags=\"-\""), "{line}");
    }
}

/// Requests that the server has, and does not answer yet.
struct Begun {
    http1: JoinSet<Answer>,
    http2: JoinSet<Answer>,
}

impl Begun {
    async fn all(server: &Server, clients: Vec<Client>, mut http2: Client) -> Self {
        let mut begun = Self {
            http1: JoinSet::new(),
            http2: JoinSet::new(),
        };
        for mut client in clients {
            begun.http1.spawn(async move {
                let answer = client.get(NEAR, "/held").await;
                // What it is told at the end of the drain is its connection's end.
                assert_eq!(answer.headers["connection"], "close");
                answer
            });
        }
        let requests: Vec<_> = (0..REQUESTS)
            .map(|_| http2.starting(NEAR, "/held"))
            .collect();
        for request in requests {
            begun.http2.spawn(async move {
                let response: Response<Incoming> = request.await;
                Answer::read(response).await
            });
        }
        server.holds(2 * REQUESTS).await;
        begun
    }

    async fn end(self) {
        for mut requests in [self.http1, self.http2] {
            let mut count = 0;
            while let Some(answer) = requests.join_next().await {
                let answer = answer.expect("an answer");
                assert_eq!((answer.status.as_u16(), answer.text()), (200, "30"));
                count += 1;
            }
            assert_eq!(count, REQUESTS);
        }
    }
}

/// A WebSocket, as far as the proxies are concerned.
struct Chat<IO> {
    io: IO,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Chat<IO> {
    async fn open(mut io: IO) -> Self {
        let request = format!(
            "GET /chat HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        );
        io.write_all(request.as_bytes()).await.expect("a request");
        heard(&mut io, "\r\n\r\n").await;
        let mut chat = Self { io };
        chat.talk().await;
        chat
    }

    async fn talk(&mut self) {
        self.io.write_all(b"hello").await.expect("it is open");
        heard(&mut self.io, "olleh").await;
    }

    async fn end(mut self) {
        self.talk().await;
        self.io.shutdown().await.expect("an end");
        ended(&mut self.io).await;
    }
}

/// A request and an answer, of which both have begun and neither has ended.
struct Upload<IO> {
    io: IO,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Upload<IO> {
    async fn begin(mut io: IO) -> Self {
        let head = format!("POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n");
        io.write_all(head.as_bytes()).await.expect("a head");
        heard(&mut io, "\r\n\r\n").await;
        let mut upload = Self { io };
        upload.go_on().await;
        upload
    }

    async fn go_on(&mut self) {
        self.io.write_all(b"4\r\nmore\r\n").await.expect("a chunk");
        heard(&mut self.io, "more\r\n").await;
    }

    async fn end(mut self) {
        self.io.write_all(b"0\r\n\r\n").await.expect("an end");
        heard(&mut self.io, "0\r\n\r\n").await;
        ended(&mut self.io).await;
    }
}

/// Reads up to these words.
async fn heard(io: &mut (impl AsyncRead + Unpin), words: &str) {
    let mut text = Vec::new();
    let reading = async {
        while !text.ends_with(words.as_bytes()) {
            text.push(io.read_u8().await.expect("more"));
        }
    };
    let outcome = timeout(PATIENCE, reading).await;
    outcome.unwrap_or_else(|_| panic!("{words:?} after {}", text.escape_ascii()));
}

/// Nothing more comes, and that is no accident.
async fn ended(io: &mut (impl AsyncRead + Unpin)) {
    let mut rest = Vec::new();
    let reading = timeout(PATIENCE, io.read_to_end(&mut rest)).await;
    reading.expect("it ends").expect("no reset");
    assert_eq!(rest, b"");
}

/// It ends as what is not finished ends.
async fn cut(mut io: impl AsyncRead + Unpin) {
    let mut rest = Vec::new();
    let reading = timeout(PATIENCE, io.read_to_end(&mut rest)).await;
    reading.expect("it ends").expect_err("a reset");
}
