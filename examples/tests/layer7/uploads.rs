//! Whose fault it is that an upload does not end: the client's, who sends nothing or nonsense, or the server's, who reads nothing.

use std::time::Duration;

use bytes::Bytes;
use http::Version;
use http_body_util::Full;
use tokio::io::AsyncWriteExt;

use crate::client::{Answer, Client};
use crate::process::Process;
use crate::raw::{is_silent_for, raw, raw_tunnel, read_until};
use crate::server::Server;
use crate::setting::{NEAR, Setting};

const HOST: &str = "Host: near.shop.svc.cluster.local\r\n";

async fn start(flags: &[&str]) -> (Setting, Process, Server) {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let waypoint = setting.start_waypoint(flags).await;
    let server = Server::start(&setting, 30, Duration::ZERO).await;
    (setting, waypoint, server)
}

/// What a server may take, in which a connection to it comes about however slow the machine is; and longer than that.
const SHORT: &str = "4s";
const LONGER: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_its_time_from_the_end_of_the_request() {
    let (setting, waypoint, _server) = start(&["--response-timeout", SHORT]).await;
    let mut tunnel = raw_tunnel(&setting).await;
    let begin = format!("POST /never HTTP/1.1\r\n{HOST}Content-Length: 4\r\n\r\nab");
    tunnel.write_all(begin.as_bytes()).await.expect("a part");
    assert!(is_silent_for(&mut tunnel, LONGER).await);
    tunnel.write_all(b"cd").await.expect("the rest");
    let answer = read_until(&mut tunnel, "--response-timeout").await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(answer.contains("did not begin to answer"), "{answer}");
    waypoint
        .wait_for(&["http.status=504", "flags=\"UT\""], 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stalls_is_408_even_if_the_server_has_less_time() {
    let flags = ["--response-timeout", SHORT, "--body-timeout", "6s"];
    let (setting, waypoint, _server) = start(&flags).await;
    let stalled = async |framing: &str| {
        let mut tunnel = raw_tunnel(&setting).await;
        let begin = format!("POST /never HTTP/1.1\r\n{HOST}{framing}");
        tunnel.write_all(begin.as_bytes()).await.expect("a part");
        let answer = read_until(&mut tunnel, "--body-timeout").await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    };
    tokio::join!(
        stalled("Content-Length: 5\r\n\r\nab"),
        stalled("Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"),
    );
    waypoint
        .wait_for(&["http.status=408", "flags=\"DPE\""], 2)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_was_announced_and_does_not_come_is_408() {
    let flags = ["--response-timeout", "60s", "--body-timeout", "400ms"];
    let (setting, _waypoint, _server) = start(&flags).await;
    // One server says that it wants the body, the other one nothing at all.
    for path in ["/trailers", "/never"] {
        let mut tunnel = raw_tunnel(&setting).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\n{HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        );
        tunnel.write_all(head.as_bytes()).await.expect("a head");
        let answer = read_until(&mut tunnel, "--body-timeout").await;
        let (first, rest) = answer.split_once("\r\n\r\n").expect("two heads");
        assert_eq!(first, "HTTP/1.1 100 Continue", "{path}");
        assert!(rest.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_read_the_request_is_504() {
    let (setting, _waypoint, _server) = start(&["--response-timeout", "1s"]).await;
    // More than there is room for on the way.
    let large = Bytes::from(vec![b'x'; 64 << 20]);
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut client = Client::connect(&setting, &format!("{NEAR}:80"), version).await;
        let request = client.post(NEAR, "/never").body(Full::new(large.clone()));
        let answer = client.send(request.expect("a request")).await;
        assert_eq!(answer.status, 504, "{}", answer.text());
        assert!(
            answer.text().contains("did not read more"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_are_none_are_the_clients_fault_and_a_body_that_ends_is_its_leave() {
    let (setting, waypoint, _server) = start(&[]).await;
    let trailers = |count: usize| {
        (0..count)
            .map(|n| format!("x-{n}: y\r\n"))
            .collect::<String>()
    };
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    for (what, status, flag, body) in [
        (
            "no size",
            400,
            "DPE",
            format!("{chunked}zz\r\nab\r\n0\r\n\r\n"),
        ),
        (
            "a size that nobody can count",
            400,
            "DPE",
            format!("{chunked}fffffffffffffffff\r\nab"),
        ),
        (
            "a sign",
            400,
            "DPE",
            format!("{chunked}-2\r\nab\r\n0\r\n\r\n"),
        ),
        (
            "more than was said",
            400,
            "DPE",
            format!("{chunked}2\r\nabc\r\n0\r\n\r\n"),
        ),
        (
            "a bare LF behind the size",
            400,
            "DPE",
            format!("{chunked}2\nab\r\n0\r\n\r\n"),
        ),
        (
            "a bare LF in an extension",
            400,
            "DPE",
            format!("{chunked}2;a\nb\r\nab\r\n0\r\n\r\n"),
        ),
        (
            "a long extension",
            400,
            "DPE",
            format!("{chunked}2;{}\r\nab\r\n0\r\n\r\n", "e".repeat(20_000)),
        ),
        (
            "a trailer without a name",
            400,
            "DPE",
            format!("{chunked}2\r\nab\r\n0\r\n: x\r\n\r\n"),
        ),
        (
            "many trailers",
            431,
            "DPE",
            format!("{chunked}2\r\nab\r\n0\r\n{}\r\n", trailers(150)),
        ),
        (
            "very many trailers",
            431,
            "DPE",
            format!("{chunked}2\r\nab\r\n0\r\n{}\r\n", trailers(500)),
        ),
        (
            "large trailers",
            431,
            "DPE",
            format!("{chunked}2\r\nab\r\n0\r\nx: {}\r\n\r\n", "y".repeat(20_000)),
        ),
        (
            "an end within a chunk",
            400,
            "DC",
            format!("{chunked}5\r\nab"),
        ),
        (
            "an end without the last chunk",
            400,
            "DC",
            format!("{chunked}2\r\nab\r\n"),
        ),
        (
            "an end before the length",
            400,
            "DC",
            "Content-Length: 5\r\n\r\nab".to_owned(),
        ),
    ] {
        let seen = waypoint.lines(&["request complete"]).len();
        let request = format!("POST /trailers HTTP/1.1\r\n{HOST}{body}");
        let answer = raw(&setting, request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{what}: {answer}"
        );
        let log = waypoint.wait_for(&["request complete"], seen + 1).await;
        let line = log.last().expect("a line");
        assert!(
            line.contains(&format!("flags=\"{flag}\"")),
            "{what}: {line}"
        );
        assert!(
            line.contains(&format!("http.status={status}")),
            "{what}: {line}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_before_the_end_of_the_body_is_passed_on() {
    let (setting, _waypoint, _server) = start(&[]).await;
    let mut tunnel = raw_tunnel(&setting).await;
    // This server answers at once, and reads nothing.
    let head = format!("POST / HTTP/1.1\r\n{HOST}Content-Length: 10\r\n\r\nhello");
    tunnel.write_all(head.as_bytes()).await.expect("a head");
    let answer = read_until(&mut tunnel, "\r\n\r\n30").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let mut client = Client::connect(&setting, &format!("{NEAR}:80"), Version::HTTP_2).await;
    let request = client
        .post(NEAR, "/")
        .body(Full::new(Bytes::from(vec![b'x'; 16 << 20])));
    let answer = Answer::read(client.start(request.expect("a request")).await).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "30"));
    assert_eq!(
        client.get(NEAR, "/").await.text(),
        "30",
        "the connection goes on"
    );
}
