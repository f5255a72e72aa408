//! What could be understood in two ways is refused; what is not for the server is taken off.

use std::time::Duration;

use http::{Request, Version};

use crate::client::Client;
use crate::raw::raw;
use crate::server::Server;
use crate::setting::{NEAR, Setting};

const HOST: &str = "Host: near.shop.svc.cluster.local\r\n";

async fn start() -> (Setting, crate::process::Process, Server) {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let waypoint = setting.start_waypoint(&[]).await;
    let server = Server::start(&setting, 30, Duration::ZERO).await;
    (setting, waypoint, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_readers_could_understand_in_two_ways_is_refused() {
    let (setting, waypoint, _server) = start().await;
    let long = "x".repeat(70_000);
    let many = (0..150)
        .map(|n| format!("x-{n}: y\r\n"))
        .collect::<String>();
    let target = "y".repeat(17_000);
    for (what, status, request) in [
        ("no host", 400, "GET /head HTTP/1.1\r\n\r\n".to_owned()),
        (
            "two hosts",
            400,
            format!("GET /head HTTP/1.1\r\n{HOST}Host: other\r\n\r\n"),
        ),
        (
            "the same host twice",
            400,
            format!("GET /head HTTP/1.1\r\n{HOST}{HOST}\r\n"),
        ),
        (
            "a user",
            400,
            "GET /head HTTP/1.1\r\nHost: me@near\r\n\r\n".to_owned(),
        ),
        (
            "a list of hosts",
            400,
            "GET /head HTTP/1.1\r\nHost: near,far\r\n\r\n".to_owned(),
        ),
        (
            "a path in the host",
            400,
            "GET /head HTTP/1.1\r\nHost: near/admin\r\n\r\n".to_owned(),
        ),
        (
            "a host of dots",
            400,
            "GET /head HTTP/1.1\r\nHost: .\r\n\r\n".to_owned(),
        ),
        (
            "a host with an empty label",
            400,
            "GET /head HTTP/1.1\r\nHost: near.shop.svc.cluster.local..\r\n\r\n".to_owned(),
        ),
        (
            "a port in another writing",
            400,
            "GET /head HTTP/1.1\r\nHost: near.shop.svc.cluster.local:080\r\n\r\n".to_owned(),
        ),
        (
            "an empty host",
            400,
            "GET /head HTTP/1.1\r\nHost:\r\n\r\n".to_owned(),
        ),
        (
            "a port that is none",
            400,
            "GET /head HTTP/1.1\r\nHost: near:x\r\n\r\n".to_owned(),
        ),
        (
            "a target elsewhere",
            400,
            format!("GET http://other/head HTTP/1.1\r\n{HOST}\r\n"),
        ),
        (
            "another scheme",
            400,
            format!("GET ftp://{NEAR}/head HTTP/1.1\r\n{HOST}\r\n"),
        ),
        (
            "a target without Host",
            400,
            format!("GET http://{NEAR}/head HTTP/1.1\r\n\r\n"),
        ),
        (
            "two lengths",
            400,
            format!(
                "POST /head HTTP/1.1\r\n{HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"
            ),
        ),
        (
            "a list of lengths",
            400,
            format!("POST /head HTTP/1.1\r\n{HOST}Content-Length: 1, 2\r\n\r\nab"),
        ),
        (
            "a signed length",
            400,
            format!("POST /head HTTP/1.1\r\n{HOST}Content-Length: +1\r\n\r\na"),
        ),
        (
            "a negative length",
            400,
            format!("POST /head HTTP/1.1\r\n{HOST}Content-Length: -1\r\n\r\na"),
        ),
        (
            "an unknown coding",
            400,
            format!("POST /head HTTP/1.1\r\n{HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "a coding too many",
            501,
            format!(
                "POST /head HTTP/1.1\r\n{HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "chunked twice",
            501,
            format!(
                "POST /head HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "chunked in 1.0",
            400,
            format!("POST /head HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "a chunk that is none",
            400,
            format!(
                "POST /trailers HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"
            ),
        ),
        (
            "a space before the colon",
            400,
            format!("GET /head HTTP/1.1\r\n{HOST}Content-Length : 5\r\n\r\n"),
        ),
        (
            "a folded line",
            400,
            format!("GET /head HTTP/1.1\r\n{HOST}x-a: b\r\n c\r\n\r\n"),
        ),
        (
            "a nul",
            400,
            format!("GET /head HTTP/1.1\r\n{HOST}x-a: b\0c\r\n\r\n"),
        ),
        (
            "a bare CR",
            400,
            format!("GET /head HTTP/1.1\r\n{HOST}x-a: b\rc\r\n\r\n"),
        ),
        (
            "two authorizations",
            400,
            format!("GET /head HTTP/1.1\r\n{HOST}Authorization: a\r\nAuthorization: b\r\n\r\n"),
        ),
        (
            "two kinds",
            400,
            format!("GET /head HTTP/1.1\r\n{HOST}Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n"),
        ),
        (
            "another expectation",
            417,
            format!("POST /head HTTP/1.1\r\n{HOST}Expect: magic\r\nContent-Length: 0\r\n\r\n"),
        ),
        (
            "a tunnel",
            405,
            format!("CONNECT {NEAR}:80 HTTP/1.1\r\n{HOST}\r\n"),
        ),
        (
            "two spaces",
            400,
            format!("GET  /head HTTP/1.1\r\n{HOST}\r\n"),
        ),
        (
            "a large header",
            431,
            format!("GET /head HTTP/1.1\r\n{HOST}x-a: {long}\r\n\r\n"),
        ),
        (
            "many headers",
            431,
            format!("GET /head HTTP/1.1\r\n{HOST}{many}\r\n"),
        ),
        (
            "a long target",
            414,
            format!("GET /{target} HTTP/1.1\r\n{HOST}\r\n"),
        ),
    ] {
        let answer = raw(&setting, request.as_bytes()).await;
        let start = format!("HTTP/1.1 {status} ");
        let other = format!("HTTP/1.0 {status} ");
        assert!(
            answer.starts_with(&start) || answer.starts_with(&other),
            "{what}: {answer}"
        );
        assert!(!answer.contains("x-served-by"), "{what}: {answer}");
        let answers = answer.matches("\r\n\r\n").count();
        assert_eq!(answers, 1, "{what}: one answer, {answer}");
    }
    let log = waypoint
        .wait_for(&["request complete", "flags=\"DPE\""], 20)
        .await;
    assert!(
        log.iter()
            .any(|line| line.contains("more than one host header")),
        "{log:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_goes_without_saying_may_be_said_in_one_place() {
    let (setting, _waypoint, _server) = start().await;
    for (target, host) in [("", ":80"), (":80", ""), (":80", ":80")] {
        let request =
            format!("GET http://{NEAR}{target}/head HTTP/1.1\r\nHost: {NEAR}{host}\r\n\r\n");
        let answer = raw(&setting, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let request = format!("GET http://{NEAR}:81/head HTTP/1.1\r\nHost: {NEAR}\r\n\r\n");
    let answer = raw(&setting, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_beside_chunks_is_ignored_and_what_follows_is_no_request() {
    let (setting, _waypoint, _server) = start().await;
    for (first, second) in [
        ("Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n"),
        ("Transfer-Encoding: chunked\r\n", "Content-Length: 4\r\n"),
    ] {
        let request = format!(
            "POST /head HTTP/1.1\r\n{HOST}{first}{second}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n{HOST}\r\n"
        );
        let answer = raw(&setting, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        let server = answer.split_once("\r\n\r\n").expect("a body").1;
        assert!(server.starts_with("POST /head\n"), "{server}");
        assert!(!server.contains("content-length: 4"), "{server}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_goes_on_behind_any_method() {
    let (setting, _waypoint, _server) = start().await;
    for method in ["GET", "DELETE", "OPTIONS", "POST", "BREW"] {
        let request = format!(
            "{method} /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        );
        let answer = raw(&setting, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{method}: {answer}");
        assert!(answer.contains("hello"), "{method}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_oddly_is_still_a_request() {
    let (setting, _waypoint, _server) = start().await;
    for line in [
        "\r\nGET /head",
        "get /head",
        "X!#$ /head",
        " GET /head",
        "GET\t/head",
    ] {
        let request = format!("{line} HTTP/1.1\r\n{HOST}x-forwarded-network: forged\r\n\r\n");
        let answer = raw(&setting, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 "), "{line:?}: {answer}");
        assert!(!answer.contains("forged"), "{line:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_one_hop_or_of_the_mesh_does_not_go_on() {
    let (setting, _waypoint, _server) = start().await;
    let request = format!(
        "GET http://{NEAR}/head?a=b HTTP/1.1\r\n{HOST}\
         Connection: x-mine, authorization, Keep-Alive, upgrade\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\n\
         Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nTE: gzip, trailers\r\nx-mine: secret\r\nAuthorization: mine\r\n\
         baggage: userId=alice\r\nbaggage: tenant=shop\r\ntraceparent: 00-11111111111111111111111111111111-2222222222222222-01\r\n\
         x-envoy-peer-metadata: secret\r\nx-envoy-peer-metadata-id: secret\r\nx-forwarded-network: secret\r\n\
         x-istio-source: secret\r\nx-forwarded-client-cert: secret\r\n\r\n"
    );
    let answer = raw(&setting, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let server = answer.split_once("\r\n\r\n").expect("a body").1;
    assert!(
        server.starts_with("GET /head?a=b\n"),
        "in origin form: {server}"
    );
    for line in [
        "host: near.shop.svc.cluster.local",
        "te: trailers",
        "authorization: mine",
        "baggage: userId=alice",
        "baggage: tenant=shop",
        "traceparent: 00-11111111111111111111111111111111-2222222222222222-01",
    ] {
        assert!(server.contains(&format!("{line}\n")), "{line} in {server}");
    }
    for name in [
        "secret",
        "keep-alive",
        "proxy-connection",
        "upgrade",
        "http2-settings",
        "gzip",
    ] {
        assert!(!server.contains(name), "{name} in {server}");
    }
    let answer = raw(
        &setting,
        format!("GET /mesh HTTP/1.1\r\n{HOST}\r\n").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        !answer.contains("secret"),
        "nothing of the server's mesh: {answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_holds_for_http_2() {
    let (setting, _waypoint, _server) = start().await;
    let mut client = Client::connect(&setting, &format!("{NEAR}:80"), Version::HTTP_2).await;
    let request = Request::get(format!("http://{NEAR}/head")).header("host", "other");
    let answer = client
        .send(request.body(Default::default()).expect("a request"))
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let request = Request::get(format!("http://{NEAR}/head"))
        .header("cookie", "a=b")
        .header("cookie", "c=d")
        .header("baggage", "userId=alice")
        .header("x-forwarded-network", "secret");
    let answer = client
        .send(request.body(Default::default()).expect("a request"))
        .await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .text()
            .starts_with(&format!("GET http://{NEAR}/head\n")),
        "{}",
        answer.text()
    );
    assert!(answer.text().contains("baggage: userId=alice\n"));
    assert!(!answer.text().contains("secret"));
    let request = Request::get(format!("http://{NEAR}/head")).header("x-a", "y".repeat(70_000));
    let answer = client
        .send(request.body(Default::default()).expect("a request"))
        .await;
    assert_eq!(answer.status, 431, "{}", answer.text());
}
