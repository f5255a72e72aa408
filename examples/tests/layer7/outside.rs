//! The ingress gateway, to whom nobody has said who he is: what it takes off, what it refuses, and what it knows.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::get;
use crate::process::{PATIENCE, Process};
use crate::server::Server;
use crate::setting::{FAR, NEAR, Setting};

async fn start(flags: &[&str]) -> (Setting, [Process; 2], [Server; 2]) {
    let setting = Setting::new();
    let mesh = setting.mesh(&[(10, 1, true)], &[(30, 1, true)]);
    let believing = ["--believe", "gateway=*"];
    let gateway = setting.world.start(&mesh, &believing).await;
    let ingress = setting.start_ingress(flags).await;
    let servers = [
        Server::start(&setting, 10, Duration::ZERO).await,
        Server::start(&setting, 30, Duration::ZERO).await,
    ];
    (setting, [gateway, ingress], servers)
}

/// All that is answered to these bytes.
async fn said(setting: &Setting, request: &str) -> String {
    let mut socket = TcpStream::connect(setting.ingress()).await.expect("a way");
    // Who is refused in the middle need not hear the rest.
    let _ = socket.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let reading = timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
    reading.expect("in time").expect("no reset");
    String::from_utf8(answer).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_the_application_goes_on_and_what_is_of_the_mesh_neither_comes_nor_leaves() {
    let (setting, _proxies, _servers) = start(&[]).await;
    for host in [NEAR, FAR] {
        let request = format!(
            "GET /head HTTP/1.1\r\nHost: {host}\r\nConnection: close, baggage\r\nbaggage: userId=alice, k8s.cluster.name=mine\r\n\
             baggage: tenant=shop\r\ntraceparent: 00-11111111111111111111111111111111-2222222222222222-01\r\ntracestate: a=b\r\n\
             x-envoy-peer-metadata: secret\r\nx-envoy-peer-metadata-id: secret\r\nx-forwarded-network: secret\r\n\
             x-istio-source: secret\r\nx-forwarded-client-cert: secret\r\nx-envoy-internal: secret\r\nx-envoy-original-dst-host: secret\r\n\
             true-client-ip: secret\r\nx_forwarded_for: secret\r\nx-forwarded-for: secret\r\nforwarded: for=secret\r\n\r\n"
        );
        let answer = said(&setting, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        for line in [
            "baggage: userId=alice, k8s.cluster.name=mine",
            "baggage: tenant=shop",
            "traceparent: 00-11111111111111111111111111111111-2222222222222222-01",
            "tracestate: a=b",
        ] {
            assert!(
                answer.contains(&format!("\n{line}\n")),
                "{line} in {answer}"
            );
        }
        assert!(!answer.contains("secret"), "{answer}");

        let request = format!("GET /mesh HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = said(&setting, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        for name in ["secret", "x-envoy", "x-forwarded", "x-istio", "k8s."] {
            assert!(!answer.contains(name), "{name} in {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_understood_in_two_ways_is_refused_here_too() {
    let (setting, _proxies, _servers) = start(&["--max-body", "1000"]).await;
    let host = format!("Host: {NEAR}\r\n");
    let body = "x".repeat(300_000);
    for (status, request) in [
        (400, format!("GET / HTTP/1.1\r\n{host}{host}\r\n")),
        (400, format!("GET http://other/ HTTP/1.1\r\n{host}\r\n")),
        (
            400,
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ),
        (
            501,
            format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ),
        (405, format!("CONNECT {NEAR}:80 HTTP/1.1\r\n{host}\r\n")),
        (
            431,
            format!(
                "GET / HTTP/1.1\r\n{host}x: {}\r\nConnection: close\r\n\r\n",
                "y".repeat(70_000)
            ),
        ),
        (
            404,
            "GET / HTTP/1.1\r\nHost: nobody\r\nConnection: close\r\n\r\n".to_owned(),
        ),
        // Who is still sending hears it all the same.
        (
            413,
            format!("POST /trailers HTTP/1.1\r\n{host}Content-Length: 300000\r\n\r\n{body}"),
        ),
    ] {
        let answer = said(&setting, &request).await;
        let start: String = request.chars().take(80).collect();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{start}: {answer}"
        );
        assert!(!answer.contains("x-served-by"), "{start}: {answer}");
    }
    let two = format!(
        "POST /head HTTP/1.1\r\n{host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n{host}\r\n"
    );
    let answer = said(&setting, &two).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_idle_for_too_long_ends_and_is_not_broken() {
    let (setting, _proxies, _servers) = start(&["--head-timeout", "300ms"]).await;
    let request = format!("GET / HTTP/1.1\r\nHost: {NEAR}\r\n\r\n");
    let answer = said(&setting, &request).await;
    assert!(answer.ends_with("\r\n\r\n30"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_baggage_who_is_in_another_network_is_unknown_here_too() {
    for (baggage, who, cluster) in [("true", "echo", "c-west"), ("false", "unknown", "unknown")] {
        let flags = ["--ambient-enable-baggage", baggage];
        let (setting, [_gateway, ingress], _servers) = start(&flags).await;
        let request = format!("GET / HTTP/1.1\r\nHost: {FAR}\r\nConnection: close\r\n\r\n");
        let answer = said(&setting, &request).await;
        assert!(answer.ends_with("\r\n\r\n10"), "{answer}");
        ingress.wait_for(&["request complete"], 1).await;
        let metrics = get((setting.ingress().ip(), 15020).into(), "/metrics").await;
        let mut lines = metrics.lines();
        let total = lines.find(|line| line.starts_with("istio_requests_total{"));
        let total = total.expect("a request");
        for part in [
            "reporter=\"source\"",
            "source_workload=\"ingress\"",
            &format!("destination_workload=\"{who}\""),
            &format!("destination_cluster=\"{cluster}\""),
            &format!("destination_service=\"{FAR}\""),
        ] {
            assert!(total.contains(part), "{part} in {total}");
        }
    }
}
