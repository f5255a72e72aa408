//! Forms of requests and answers that readers take in different ways: refused, or brought into one form.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;

use crate::client::{Client, tunnel};
use crate::process::Process;
use crate::raw::raw;
use crate::scripted::Scripted;
use crate::server::Server;
use crate::setting::{NEAR, Setting};

const HOST: &str = "Host: near.shop.svc.cluster.local\r\n";

async fn start() -> (Setting, Process, Server) {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let waypoint = setting.start_waypoint(&[]).await;
    let server = Server::start(&setting, 30, Duration::ZERO).await;
    (setting, waypoint, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_for_another_method_is_refused() {
    let (setting, _waypoint, _server) = start().await;
    for line in [
        "GET near.shop.svc.cluster.local",
        "POST near.shop.svc.cluster.local:80",
        "GET *",
        "POST *",
    ] {
        let request = format!("{line} HTTP/1.1\r\n{HOST}\r\n");
        let answer = raw(&setting, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{line}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_is_said_in_one_way_and_said_where_one_is_usual() {
    let (setting, _waypoint, _server) = start().await;
    for (head, seen) in [
        ("Content-Length: 0003\r\n\r\nabc", "content-length: 3\n"),
        ("Content-Length: 000\r\n\r\n", "content-length: 0\n"),
        ("\r\n", "content-length: 0\n"),
    ] {
        let request = format!("POST /head HTTP/1.1\r\n{HOST}{head}");
        let answer = raw(&setting, request.as_bytes()).await;
        assert!(answer.contains(seen), "{head:?}: {answer}");
    }
    let request = format!("GET /head HTTP/1.1\r\n{HOST}\r\n");
    let answer = raw(&setting, request.as_bytes()).await;
    assert!(!answer.contains("content-length: 0\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_ours_but_for_an_underscore_do_not_go_on() {
    let (setting, _waypoint, _server) = start().await;
    let odd = "Transfer_Encoding: chunked\r\nContent_Length: 3\r\nX_Envoy_Peer-Metadata: secret\r\nX-Forwarded_Network: secret\r\n";
    let request = format!("GET /head HTTP/1.1\r\n{HOST}{odd}X_Mine: kept\r\n\r\n");
    let answer = raw(&setting, request.as_bytes()).await;
    assert!(answer.contains("x_mine: kept\n"), "{answer}");
    for part in ["encoding", "_length", "secret"] {
        assert!(!answer.contains(part), "{part}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn white_space_around_a_value_and_a_length_without_digits_are_refused_in_http_2() {
    let (setting, _waypoint, _server) = start().await;
    let io = tunnel(&setting, &format!("{NEAR}:80")).await;
    let (mut client, connection) = h2::client::handshake(io).await.expect("HTTP/2");
    tokio::spawn(connection);
    for (name, value, status) in [
        ("x-a", " a", 400),
        ("x-a", "a\t", 400),
        ("content-length", "", 400),
        ("x-a", "", 200),
        ("x-a", "a a", 200),
    ] {
        let request = Request::post(format!("http://{NEAR}/head"));
        let value = HeaderValue::from_static(value);
        let request = request.header(name, value).body(()).expect("a request");
        client = client.ready().await.expect("it is open");
        let (response, _): (_, h2::SendStream<Bytes>) =
            client.send_request(request, true).expect("a stream");
        let response = response.await.expect("an answer");
        assert_eq!(response.status(), status, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_the_rules_of_http_2_is_the_servers_fault() {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let waypoint = setting.start_waypoint(&[]).await;
    let server = Scripted::start(&setting, 30).await;
    server.answers(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let version = http::Version::HTTP_2;
    let mut client = Client::connect(&setting, &format!("{NEAR}:80"), version).await;
    let request = Request::post(format!("http://{NEAR}/"));
    let request = request.body(Full::default()).expect("a request");
    assert_eq!(client.send(request).await.status, 502);
    let line = ["request complete", "flags=\"UPE\"", "http.status=502"];
    waypoint.wait_for(&line, 1).await;
}
