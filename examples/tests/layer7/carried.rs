//! What HTTP has besides requests and answers goes through as well.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Answer, Client, tunnel};
use crate::process::Process;
use crate::raw::{is_silent, raw, raw_tunnel, read_until};
use crate::server::Server;
use crate::setting::{FAR, NEAR, Setting};

const HOST: &str = "Host: near.shop.svc.cluster.local\r\n";

async fn start() -> (Setting, Vec<Process>, Vec<Server>) {
    let setting = Setting::new();
    let mesh = setting.mesh(&[(10, 1, true)], &[(30, 1, true)]);
    let gateway = setting.world.start(&mesh, &[]).await;
    let waypoint = setting.start_waypoint(&[]).await;
    let servers = vec![
        Server::start(&setting, 10, Duration::ZERO).await,
        Server::start(&setting, 30, Duration::ZERO).await,
    ];
    (setting, vec![gateway, waypoint], servers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_bytes_both_ways_once_both_ends_have_agreed() {
    let (setting, _proxies, _servers) = start().await;
    let mut tunnel = raw_tunnel(&setting).await;
    let request = format!(
        "GET /chat HTTP/1.1\r\n{HOST}Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    tunnel
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    let head = read_until(&mut tunnel, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("upgrade: websocket\r\n"), "{head}");
    tunnel.write_all(b"hello").await.expect("it is open");
    let mut back = [0; 5];
    tunnel.read_exact(&mut back).await.expect("an answer");
    assert_eq!(&back, b"olleh");
    // Whoever does not ask for it does not get it.
    let answer = raw(
        &setting,
        format!("GET /chat HTTP/1.1\r\n{HOST}Upgrade: websocket\r\n\r\n").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_and_trailers_go_both_ways_near_and_far() {
    let (setting, _proxies, _servers) = start().await;
    let large: Bytes = (0..3_000_000_u32)
        .map(|n| n as u8)
        .collect::<Vec<_>>()
        .into();
    for (host, version) in [
        (NEAR, Version::HTTP_11),
        (NEAR, Version::HTTP_2),
        (FAR, Version::HTTP_11),
        (FAR, Version::HTTP_2),
    ] {
        let mut client = Client::connect(&setting, &format!("{host}:80"), version).await;
        let request = client.post(host, "/echo").body(Full::new(large.clone()));
        let answer = client.send(request.expect("a request")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body == large, "{} bytes", answer.body.len());
        let request = client.post(host, "/trailers").header("te", "trailers");
        let request = request.body(Full::new(Bytes::from_static(b"hello")));
        let answer = client.send(request.expect("a request")).await;
        assert_eq!(
            (
                answer.text(),
                answer
                    .trailers
                    .get("grpc-status")
                    .map(|value| value.as_bytes())
            ),
            ("hello", Some(&b"5"[..]))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_a_length_and_no_body() {
    let (setting, _proxies, _servers) = start().await;
    let request =
        format!("HEAD / HTTP/1.1\r\n{HOST}\r\nGET / HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
    let answer = raw(&setting, request.as_bytes()).await;
    let (head, get) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("content-length: 2"), "{head}");
    assert!(
        get.starts_with("HTTP/1.1 200 ") && get.ends_with("\r\n\r\n30"),
        "{get}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_100_hears_it_from_the_server() {
    let (setting, _proxies, _servers) = start().await;
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\n{HOST}Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
        )
    };
    let mut tunnel = raw_tunnel(&setting).await;
    tunnel
        .write_all(head("/trailers").as_bytes())
        .await
        .expect("a head");
    let first = read_until(&mut tunnel, "\r\n\r\n").await;
    assert!(first.starts_with("HTTP/1.1 "), "{first}");
    tunnel.write_all(b"hello").await.expect("a body");
    let rest = first + &read_until(&mut tunnel, "hello").await;
    assert!(
        rest.contains("HTTP/1.1 100 ") && rest.contains("HTTP/1.1 200 "),
        "{rest}"
    );

    // This one does not want the body, and says so at once.
    let mut tunnel = raw_tunnel(&setting).await;
    tunnel
        .write_all(head("/").as_bytes())
        .await
        .expect("a head");
    let answer = read_until(&mut tunnel, "30").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_carried_as_it_is() {
    let (setting, proxies, _servers) = start().await;
    for (host, name) in [(NEAR, "30"), (FAR, "10")] {
        let mut tunnel = tunnel(&setting, &format!("{host}:80")).await;
        tunnel
            .write_all(b"*1\r\n$4\r\nPING\r\n")
            .await
            .expect("it is open");
        let back = read_until(&mut tunnel, "PING\r\n").await;
        assert_eq!(back, format!("{name}*1\r\n$4\r\nPING\r\n"));
        tunnel.shutdown().await.expect("an end");
        let mut rest = Vec::new();
        tunnel.read_to_end(&mut rest).await.expect("an end");
        assert_eq!(rest, b"");
        let service = format!("dst.service=\"{host}\"");
        proxies[1]
            .wait_for(&["connection complete", "bytes_recv=14", &service], 1)
            .await;
        let opened = setting
            .metrics(&["istio_tcp_connections_opened_total{", host])
            .await;
        assert!(
            opened[0].contains("reporter=\"waypoint\"") && !opened[0].contains("unknown"),
            "{opened:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_as_it_is_made_and_a_request_too() {
    let (setting, _proxies, _servers) = start().await;
    let mut tunnel = raw_tunnel(&setting).await;
    let head = format!("POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n");
    tunnel.write_all(head.as_bytes()).await.expect("a head");
    for word in ["first", "other"] {
        tunnel
            .write_all(format!("5\r\n{word}\r\n").as_bytes())
            .await
            .expect("a chunk");
        read_until(&mut tunnel, word).await;
    }
    assert!(is_silent(&mut tunnel).await);
    tunnel.write_all(b"0\r\n\r\n").await.expect("an end");
    read_until(&mut tunnel, "0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_is_labelled_as_such_with_its_own_status() {
    let (setting, proxies, _servers) = start().await;
    let mut client = Client::connect(&setting, &format!("{FAR}:80"), Version::HTTP_2).await;
    let call = |path: &str| {
        let request = Request::post(format!("http://{FAR}{path}"));
        let request = request
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        request
            .body(Full::new(Bytes::from_static(b"\0\0\0\0\0")))
            .expect("a request")
    };
    let answer: Answer = client.send(call("/trailers")).await;
    assert_eq!(answer.trailers["grpc-status"], "5");
    proxies[1]
        .wait_for(&["request complete", "/trailers"], 1)
        .await;
    let total = setting
        .metrics(&["istio_requests_total{", "grpc_response_status=\"5\""])
        .await;
    assert!(total[0].contains("request_protocol=\"grpc\""), "{total:#?}");
    assert!(total[0].contains("response_code=\"200\""), "{total:#?}");
}
