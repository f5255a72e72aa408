//! The tunnels into another network: how many requests they carry, and what costs one.

use std::net::SocketAddr;
use std::time::Duration;

use http::Version;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Answer, Client, get, tunnel};
use crate::process::{PATIENCE, Process};
use crate::raw::read_until;
use crate::scripted::Scripted;
use crate::server::Server;
use crate::setting::{FAR, Setting};

const PODS: &[(u8, u32, bool)] = &[(10, 1, true)];
/// How many tunnels there are at most to a network with one server, as far as the mesh file knows.
const LANES: u64 = 8;

async fn handshakes(proxy: SocketAddr) -> u64 {
    let metrics = get((proxy.ip(), 15020).into(), "/metrics").await;
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix("hbone_inner_handshakes_total "));
    value.expect("a metric").parse().expect("a number")
}

async fn gateway(setting: &Setting) -> Process {
    let mesh = setting.mesh(PODS, &[]);
    let believing = ["--believe", "gateway=*"];
    setting.world.start(&mesh, &believing).await
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_at_once_than_the_tunnels_have_room_for_are_all_answered() {
    const AT_ONCE: usize = 150;
    let setting = Setting::new();
    let _gateway = gateway(&setting).await;
    // Eight tunnels for ten each would hold eighty.
    let few = [("POOL_MAX_STREAMS_PER_CONNECTION", "10")];
    let _ingress = setting.start_ingress_with(&few, &[]).await;
    let server = Server::start(&setting, 10, Duration::ZERO).await;
    let mut asking = JoinSet::new();
    for _ in 0..AT_ONCE.div_ceil(50) {
        let mut client = Client::outside(&setting, Version::HTTP_2).await;
        for _ in 0..50 {
            asking.spawn(client.starting(FAR, "/held"));
        }
        // The connection lasts as long as one of them.
    }
    server.holds(AT_ONCE).await;
    server.release();
    while let Some(answered) = timeout(PATIENCE, asking.join_next())
        .await
        .expect("in time")
    {
        let answer = Answer::read(answered.expect("no panic")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_fail_cost_no_tunnel() {
    let setting = Setting::new();
    let _gateway = gateway(&setting).await;
    let _waypoint = setting.start_waypoint(&[]).await;
    let server = Scripted::start(&setting, 10).await;
    let host = format!("Host: {FAR}\r\n");
    for n in 0..40 {
        let request = match n % 4 {
            0 => format!("GET / HTTP/1.1\r\n{host}\r\n"),
            1 => format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            2 => format!("POST / HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"),
            _ => format!("POST / HTTP/1.1\r\n{host}Content-Length: 9\r\n\r\nabc"),
        };
        match n % 8 {
            0..4 => server.answers(b"no HTTP at all\r\n\r\n"),
            _ => server.ends(),
        }
        let mut client = tunnel(&setting, &format!("{FAR}:80")).await;
        client.write_all(request.as_bytes()).await.expect("room");
        // Or it is gone before the end of what it announced.
        if n % 4 == 3 {
            client.shutdown().await.expect("an end");
        }
        let answer = read_until(&mut client, "\r\n\r\n").await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    let handshakes = handshakes(setting.waypoint()).await;
    assert!((1..=LANES).contains(&handshakes), "{handshakes}");
}
