//! What cannot be read as a request is refused in words, logged and counted, like what can.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::Client;
use crate::process::{PATIENCE, Process};
use crate::raw::{raw, raw_tunnel, read_until};
use crate::server::Server;
use crate::setting::{NEAR, Setting};

const HOST: &str = "Host: near.shop.svc.cluster.local\r\n";

async fn start() -> (Setting, Process, Server) {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let waypoint = setting.start_waypoint(&["--head-timeout", "5s"]).await;
    let server = Server::start(&setting, 30, Duration::ZERO).await;
    (setting, waypoint, server)
}

/// Takes a refusal apart: its status and its reason.
fn refusal(answer: &str) -> (u16, &str) {
    let (head, reason) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    let length = format!("content-length: {}\r\n", reason.len());
    let head = format!("{head}\r\n");
    for line in [
        "connection: close\r\n",
        "content-type: text/plain; charset=utf-8\r\n",
        "date: ",
        &length,
    ] {
        assert!(head.contains(line), "{line:?} in {answer:?}");
    }
    (status.parse().expect("a number"), reason.trim_end())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_in_words_and_counted() {
    let (setting, waypoint, _server) = start().await;
    let cases = [
        ("no version", 400, "GET /\r\n\r\n".to_owned(), "malformed"),
        (
            "another version",
            400,
            format!("GET / HTTP/3.0\r\n{HOST}\r\n"),
            "version",
        ),
        (
            "a folded line",
            400,
            format!("GET / HTTP/1.1\r\n{HOST}x: a\r\n b\r\n\r\n"),
            "header",
        ),
        (
            "no colon",
            400,
            format!("GET / HTTP/1.1\r\n{HOST}x\r\n\r\n"),
            "header",
        ),
        (
            "a nul",
            400,
            format!("GET / HTTP/1.1\r\n{HOST}x: a\0\r\n\r\n"),
            "header",
        ),
        (
            "an odd target",
            400,
            format!("GET /\u{7f} HTTP/1.1\r\n{HOST}\r\n"),
            "URI",
        ),
        (
            "an odd length",
            400,
            format!("POST / HTTP/1.1\r\n{HOST}Content-Length: x\r\n\r\n"),
            "content-length",
        ),
        (
            "a length that nobody can count",
            400,
            format!("POST / HTTP/1.1\r\n{HOST}Content-Length: 18446744073709551615\r\n\r\nab"),
            "more than can be counted",
        ),
        (
            "a longer one",
            400,
            format!("POST / HTTP/1.1\r\n{HOST}Content-Length: 184467440737095516150\r\n\r\nab"),
            "content-length",
        ),
        (
            "an unknown coding",
            400,
            format!("POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: x\r\n\r\n"),
            "transfer-encoding",
        ),
        (
            "an end within the head",
            400,
            format!("GET / HTTP/1.1\r\n{HOST}"),
            "in the middle",
        ),
        (
            "a long target",
            414,
            format!("GET /{} HTTP/1.1\r\n{HOST}\r\n", "a".repeat(100_000)),
            "longer than 16384",
        ),
        (
            "a large head",
            431,
            format!("GET / HTTP/1.1\r\n{HOST}x: {}\r\n\r\n", "y".repeat(300_000)),
            "--max-head",
        ),
        (
            "many headers",
            431,
            format!("GET / HTTP/1.1\r\n{HOST}{}\r\n", "x: y\r\n".repeat(500)),
            "--max-headers",
        ),
    ];
    let count = cases.len();
    for (what, status, request, part) in cases {
        let answer = raw(&setting, request.as_bytes()).await;
        let (is, reason) = refusal(&answer);
        assert_eq!(is, status, "{what}: {answer}");
        assert!(reason.contains(part), "{what}: {reason}");
        waypoint
            .wait_for(
                &[
                    "request complete",
                    "http.method=\"-\"",
                    &format!("http.status={status}"),
                    reason,
                ],
                1,
            )
            .await;
    }
    let mut tunnel = raw_tunnel(&setting).await;
    tunnel
        .write_all(b"GET / HTTP/1.1\r\nHost")
        .await
        .expect("a part");
    let answer = read_until(&mut tunnel, "-timeout\n").await;
    assert_eq!(refusal(&answer).0, 408, "{answer}");
    waypoint
        .wait_for(
            &[
                "request complete",
                "http.method=\"-\"",
                "flags=\"DPE\"",
                "src.workload=\"web\"",
            ],
            count + 1,
        )
        .await;
    let counted = setting
        .metrics(&[
            "istio_requests_total{",
            "response_flags=\"DPE\"",
            "source_workload=\"web\"",
            &format!("destination_service=\"{NEAR}\""),
        ])
        .await;
    let counts = counted.iter().map(|line| {
        line.rsplit(' ')
            .next()
            .and_then(|count| count.parse::<usize>().ok())
    });
    assert_eq!(
        counts.sum::<Option<usize>>(),
        Some(count + 1),
        "{counted:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_is_answered_as_ever() {
    let (setting, waypoint, _server) = start().await;
    let good = format!("POST /echo HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello");
    for (many, bad) in [
        (1, "GET / HTTP/1.1\r\nx\r\n\r\n"),
        (3, "\0"),
        (2, "GET / HTTP/9\r\n\r\n"),
    ] {
        let answer = raw(&setting, (good.repeat(many) + bad).as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 200 ").count(), many, "{answer}");
        assert_eq!(answer.matches("hello").count(), many, "{answer}");
        let last = answer.rfind("HTTP/1.1 ").expect("an answer");
        assert_eq!(refusal(&answer[last..]).0, 400, "{answer}");
    }
    waypoint
        .wait_for(
            &["request complete", "http.method=\"-\"", "http.status=400"],
            3,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_before_the_end_of_a_body_is_told_that_the_connection_ends() {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let _ingress = setting.start_ingress(&[]).await;
    let _server = Server::start(&setting, 30, Duration::ZERO).await;
    let body = "x".repeat(300_000);
    for (host, expected) in [("nobody", 404), ("no body", 400)] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 300000\r\n\r\n{body}GET /smuggled HTTP/1.1\r\n{HOST}\r\n"
        );
        let answer = outside(setting.ingress(), request.as_bytes()).await;
        assert_eq!(refusal(&answer).0, expected, "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    // Who has sent all is served again.
    let two = format!(
        "GET / HTTP/1.1\r\nHost: nobody\r\n\r\nGET / HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n"
    );
    let answer = outside(setting.ingress(), two.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n30"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_head_has_no_body_in_any_version() {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let _ingress = setting.start_ingress(&[]).await;
    let _server = Server::start(&setting, 30, Duration::ZERO).await;
    let mut client = Client::outside(&setting, Version::HTTP_2).await;
    for (host, status) in [("nobody", 404), (NEAR, 200)] {
        let request = Request::head(format!("http://{host}/"));
        let answer = client
            .send(request.body(Full::new(Bytes::new())).expect("a request"))
            .await;
        assert_eq!(answer.status, status);
        assert!(answer.body.is_empty(), "{}", answer.text());
    }
    let request = "HEAD / HTTP/1.1\r\nHost: nobody\r\nConnection: close\r\n\r\n";
    let answer = outside(setting.ingress(), request.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_told_so_where_http_comes_in() {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let https = SocketAddr::new(setting.ingress().ip(), 8443);
    let flags = [
        "--head-timeout",
        "5s",
        "--https",
        &https.to_string(),
        "--https-cert",
        &setting.world.file("ingress.pem"),
        "--https-key",
        &setting.world.file("ingress.key"),
    ];
    let ingress = setting.start_ingress(&flags).await;
    let hello = b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03".repeat(20);
    for (what, at, said, status, part) in [
        ("TLS", setting.ingress(), &hello[..], 400, "--https"),
        (
            "SSH",
            setting.ingress(),
            b"SSH-2.0-OpenSSH_9.9\r\n",
            400,
            "no HTTP",
        ),
        (
            "noise",
            setting.ingress(),
            b"\x00\xff\xfe\x01",
            400,
            "no HTTP",
        ),
        (
            "HTTP without TLS",
            https,
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            400,
            "--http",
        ),
        (
            "HTTP/2 without TLS",
            https,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            400,
            "--http",
        ),
    ] {
        let answer = outside(at, said).await;
        let (is, reason) = refusal(&answer);
        assert_eq!(is, status, "{what}: {answer}");
        assert!(reason.contains(part), "{what}: {reason}");
        ingress
            .wait_for(
                &[
                    "request complete",
                    "http.method=\"-\"",
                    "flags=\"DPE\"",
                    reason,
                ],
                1,
            )
            .await;
    }
    // Who begins and does not go on is told so, too; who says nothing is not.
    let mut socket = TcpStream::connect(setting.ingress())
        .await
        .expect("it listens");
    socket.write_all(b"GE").await.expect("a part");
    assert_eq!(refusal(&to_end(&mut socket).await).0, 408);
    let mut socket = TcpStream::connect(setting.ingress())
        .await
        .expect("it listens");
    assert_eq!(to_end(&mut socket).await, "");
    ingress
        .wait_for(&["request complete", "http.method=\"-\""], 6)
        .await;
    let metrics = crate::client::get((setting.ingress().ip(), 15020).into(), "/metrics").await;
    let counted = metrics
        .lines()
        .filter(|line| line.starts_with("istio_requests_total{") && line.contains("\"DPE\""));
    let counts = counted.map(|line| {
        line.rsplit(' ')
            .next()
            .and_then(|count| count.parse::<usize>().ok())
    });
    assert_eq!(counts.sum::<Option<usize>>(), Some(6), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_breaks_the_rules_of_http_2_is_logged_and_counted() {
    let (setting, waypoint, _server) = start().await;
    let mut tunnel = raw_tunnel(&setting).await;
    // SETTINGS, and DATA on a stream that there is not.
    let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    said.extend_from_slice(b"\0\0\x01\0\0\0\0\0\x05x");
    tunnel.write_all(&said).await.expect("a part");
    let mut answer = Vec::new();
    let reading = timeout(PATIENCE, tunnel.read_to_end(&mut answer)).await;
    // Whether it ends or breaks is h2's.
    let _ = reading.expect("it ends");
    waypoint
        .wait_for(
            &[
                "request complete",
                "http.version=HTTP/2.0",
                "flags=\"DPE\"",
                "broke the rules of HTTP/2",
            ],
            1,
        )
        .await;
    let counted = setting
        .metrics(&[
            "istio_requests_total{",
            "response_flags=\"DPE\"",
            "response_code=\"0\"",
        ])
        .await;
    assert_eq!(counted.len(), 1, "{counted:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_http_2_itself_refuses_is_logged_and_counted_each_time() {
    let (setting, waypoint, _server) = start().await;
    let mut client = Client::connect(&setting, &format!("{NEAR}:80"), Version::HTTP_2).await;
    for count in 1..=3 {
        // More than four times what is answered with a reason.
        let request = (0..20).fold(Request::get(format!("http://{NEAR}/")), |request, n| {
            request.header(format!("x-{n}"), "y".repeat(13_000))
        });
        let answer = client
            .send(request.body(Full::new(Bytes::new())).expect("a request"))
            .await;
        assert_eq!(answer.status, 431);
        let parts = [
            "request complete",
            "http.method=\"-\"",
            "HTTP/2 does not allow",
        ];
        let lines = waypoint.wait_for(&parts, count).await;
        assert_eq!(lines.len(), count, "{lines:#?}");
        assert_eq!(client.get(NEAR, "/").await.text(), "30");
    }
    let counted = ["istio_requests_total{", "response_flags=\"DPE\""];
    let counted = setting.metrics(&counted).await;
    assert_eq!(counted.len(), 1, "{counted:#?}");
    assert!(counted[0].ends_with(" 3"), "{counted:#?}");
}

/// All that is answered to these bytes, without a word about their end.
async fn outside(at: SocketAddr, said: &[u8]) -> String {
    let mut socket = TcpStream::connect(at).await.expect("it listens");
    // Who is refused in the middle need not hear the rest.
    let _ = socket.write_all(said).await;
    to_end(&mut socket).await
}

async fn to_end(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
    reading.expect("in time").expect("no reset");
    String::from_utf8(answer).expect("text")
}
