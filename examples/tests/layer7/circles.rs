//! Proxies that lead into each other: what goes round comes to an end.

use std::time::Duration;

use hbone::Forwarded;
use hbone::forwarded::{Element, Node};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::client::tunnel_through;
use crate::process::PATIENCE;
use crate::raw::raw;
use crate::scripted::Scripted;
use crate::server::Server;
use crate::setting::{NEAR, Setting};

/// Through so many proxies a tunnel may come, and a request.
const MOST: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_led_in_a_circle_is_told_so() {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let _waypoint = setting.start_waypoint(&[]).await;
    let _server = Server::start(&setting, 30, Duration::ZERO).await;
    for (hops, expected) in [(MOST - 1, 200), (MOST, 508)] {
        let request = format!(
            "GET / HTTP/1.1\r\nhost: {NEAR}\r\nx-hbone-hops: {hops}\r\nconnection: close\r\n\r\n"
        );
        let answer = raw(&setting, request.as_bytes()).await;
        let status = format!("HTTP/1.1 {expected} ");
        assert!(answer.starts_with(&status), "{answer}");
        assert_eq!(answer.contains("in a circle"), expected == 508, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_http_is_counted_by_each_proxy_and_ends_too() {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let waypoint = setting.start_waypoint(&[]).await;
    let server = Scripted::start(&setting, 30).await;
    server.answers(b"SSH-2.0-server\r\n");
    for before in [0, 1, MOST - 1, MOST] {
        let mut tunnel = tunnel_through(&setting, &format!("{NEAR}:80"), through(before)).await;
        let _ = tunnel.write_all(b"SSH-2.0-client\r\n\r\n").await;
        let mut word = [0; 7];
        let reading = timeout(PATIENCE, tunnel.read_exact(&mut word)).await;
        let answered = reading.expect("in time").is_ok();
        assert_eq!(answered, before < MOST, "after {before} proxies");
        if answered {
            assert_eq!(server.proxies(), before + 1);
        }
    }
    waypoint.wait_for(&["508"], 1).await;
}

fn through(proxies: usize) -> Option<Forwarded> {
    let element = |last: usize| {
        let address = std::net::IpAddr::from([10, 0, 0, u8::try_from(last).expect("few")]);
        Element::new().with_for(Node::from(address))
    };
    Forwarded::new((0..proxies).map(element)).ok()
}
