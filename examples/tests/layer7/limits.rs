//! Who asks for too much, waits too long or cannot be reached is told so, and the log says why.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Full;
use tokio::io::AsyncWriteExt;

use crate::client::Client;
use crate::process::Process;
use crate::raw::{raw, raw_tunnel, read_until};
use crate::server::Server;
use crate::setting::{FAR, NEAR, Setting};

const HOST: &str = "Host: near.shop.svc.cluster.local\r\n";

async fn start(flags: &[&str]) -> (Setting, Process, Server) {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let waypoint = setting.start_waypoint(flags).await;
    let server = Server::start(&setting, 30, Duration::ZERO).await;
    (setting, waypoint, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_413_whether_it_says_so_or_not() {
    let (setting, waypoint, _server) = start(&["--max-body", "1000"]).await;
    let body = "x".repeat(2000);
    for request in [
        format!("POST /trailers HTTP/1.1\r\n{HOST}Content-Length: 2000\r\n\r\n{body}"),
        format!(
            "POST /trailers HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n7d0\r\n{body}\r\n0\r\n\r\n"
        ),
    ] {
        let answer = raw(&setting, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(
            answer.contains("larger than 1000 bytes; see --max-body"),
            "{answer}"
        );
    }
    waypoint
        .wait_for(&["request complete", "http.status=413", "flags=\"DPE\""], 2)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_or_a_body_that_does_not_come_is_408() {
    let flags = ["--head-timeout", "500ms", "--body-timeout", "500ms"];
    let (setting, _waypoint, _server) = start(&flags).await;
    for request in [
        format!("GET / HTTP/1.1\r\n{HOST}"),
        format!("POST /trailers HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhe"),
    ] {
        let mut tunnel = raw_tunnel(&setting).await;
        tunnel.write_all(request.as_bytes()).await.expect("a part");
        let answer = read_until(&mut tunnel, "-timeout").await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_504() {
    let (setting, waypoint, _server) = start(&["--response-timeout", "300ms"]).await;
    let answer = raw(
        &setting,
        format!("GET /never HTTP/1.1\r\n{HOST}\r\n").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    waypoint
        .wait_for(&["request complete", "flags=\"UT\"", "http.status=504"], 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_have_a_timeout_of_its_own() {
    let own = format!("{NEAR}=300ms");
    let flags = ["--response-timeout", "1h", "--response-timeout", &own];
    let (setting, _waypoint, _server) = start(&flags).await;
    let request = format!("GET /never HTTP/1.1\r\n{HOST}\r\n");
    let answer = raw(&setting, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(answer.contains("within 300ms"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_for_a_service_that_is_not_there_is_warned_of() {
    let strange = "elsewhere.example=1s";
    let own = format!("{NEAR}=1s");
    let flags = ["--response-timeout", strange, "--response-timeout", &own];
    let (_setting, waypoint, _server) = start(&flags).await;
    let warned = waypoint.wait_for(&["--response-timeout names"], 1).await;
    assert_eq!(warned.len(), 1, "{warned:#?}");
    assert!(warned[0].contains("elsewhere.example"), "{warned:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_refuses_is_named_with_its_answer() {
    let setting = Setting::new();
    let mesh = setting.mesh(&[(10, 1, true)], &[]);
    // Nobody is there whom the gateway could reach.
    let gateway = setting.world.start(&mesh, &[]).await;
    let waypoint = setting.start_waypoint(&[]).await;
    let mut client = Client::connect(&setting, &format!("{FAR}:80"), Version::HTTP_11).await;
    let answer = client.get(FAR, "/").await;
    assert_eq!(answer.status, 503);
    for part in ["the outer hop (1 of 2)", "refused the tunnel with 503"] {
        assert!(answer.text().contains(part), "{part} in {}", answer.text());
    }
    waypoint
        .wait_for(&["http.status=503", "flags=\"UF\"", "the outer hop"], 1)
        .await;
    drop(gateway);
    // And now nobody is there who could refuse.
    let mut client = Client::connect(&setting, &format!("{FAR}:80"), Version::HTTP_11).await;
    let answer = client.get(FAR, "/").await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("the outer hop (1 of 2)"),
        "{}",
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_502_and_one_that_is_not_there_503() {
    let (setting, waypoint, server) = start(&[]).await;
    let answer = raw(
        &setting,
        format!("POST /gone HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    server.end().await;
    let answer = raw(&setting, format!("GET / HTTP/1.1\r\n{HOST}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    waypoint
        .wait_for(&["request complete", "flags=\"UF\"", "http.status=503"], 1)
        .await;
    let mut client = Client::connect(&setting, &format!("{NEAR}:80"), Version::HTTP_2).await;
    let request =
        Request::post(format!("http://{NEAR}/")).header("content-type", "application/grpc");
    let answer = client
        .send(request.body(Full::new(Bytes::new())).expect("a request"))
        .await;
    assert_eq!(answer.status, 200, "gRPC has a status of its own");
    assert_eq!(answer.headers["grpc-status"], "14");
    assert!(answer.headers.contains_key("grpc-message"));
}
