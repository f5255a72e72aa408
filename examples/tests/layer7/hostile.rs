//! Odd requests that are allowed, and clients that try to wear the waypoint out.

use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::{Request, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::client::{Answer, Client, tunnel};
use crate::process::{PATIENCE, Process};
use crate::raw::{raw, raw_tunnel};
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
async fn what_is_asked_of_a_server_as_a_whole_or_for_tracing_goes_on() {
    let (setting, _waypoint, _server) = start().await;
    for (line, seen) in [
        ("OPTIONS *", "OPTIONS *\n"),
        ("OPTIONS /head", "OPTIONS /head\n"),
        ("TRACE /head", "TRACE /head\n"),
        ("PROPFIND /head", "PROPFIND /head\n"),
        ("GET /head?a=/../%2e%2e/b", "GET /head?a=/../%2e%2e/b\n"),
    ] {
        let request = format!("{line} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
        let answer = raw(&setting, request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 "), "{line}: {answer}");
        assert!(body.starts_with(seen), "{line}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_in_one_go_are_answered_in_their_order() {
    let (setting, _waypoint, _server) = start().await;
    let mut requests = String::new();
    for n in 0..50 {
        requests.push_str(&match n % 4 {
            0 => format!("GET /head?n={n} HTTP/1.1\r\n{HOST}\r\n"),
            1 => format!("POST /head?n={n} HTTP/1.1\r\n{HOST}Content-Length: 6\r\n\r\nGET / \n"),
            2 => format!("POST /head?n={n} HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nx: y\r\n\r\n"),
            _ => format!("DELETE /head?n={n} HTTP/1.1\r\n{HOST}\r\n"),
        });
    }
    let answer = raw(&setting, requests.as_bytes()).await;
    let seen: Vec<_> = answer
        .lines()
        .filter_map(|line| line.split_once(" /head?n="))
        .collect();
    let numbers: Vec<_> = seen
        .iter()
        .map(|(_, n)| n.parse::<u32>().expect("a number"))
        .collect();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>(), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 50, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_streams_and_resets_them_harms_nobody_else() {
    let (setting, _waypoint, _server) = start().await;
    let io = tunnel(&setting, &format!("{NEAR}:80")).await;
    let (client, connection) = h2::client::handshake(io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let storm = async {
        let mut client = client;
        for _ in 0..10_000 {
            // It may be told to calm down, or not.
            let Ok(ready) = client.ready().await else {
                return;
            };
            client = ready;
            let request = Request::get(format!("http://{NEAR}/never")).body(());
            let Ok((_response, mut stream)) =
                client.send_request(request.expect("a request"), false)
            else {
                return;
            };
            let _ = stream.send_data(Bytes::from_static(b"x"), false);
            stream.send_reset(Reason::CANCEL);
        }
    };
    timeout(PATIENCE, storm).await.expect("it goes by");
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut client = Client::connect(&setting, &format!("{NEAR}:80"), version).await;
        assert_eq!(client.get(NEAR, "/").await.text(), "30");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http_1_that_is_gone_is_not_waited_for() {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let waypoint = setting.start_waypoint(&["--body-timeout", "1s"]).await;
    let server = Server::start(&setting, 30, Duration::ZERO).await;
    let gone = ["request complete", "flags=\"DC\"", "http.path=\"/held\""];
    for (count, method) in [(1, "GET"), (2, "POST"), (3, "GET"), (4, "POST")] {
        let mut client = raw_tunnel(&setting).await;
        let head = match method {
            "POST" => "Content-Length: 3\r\n\r\nabc",
            _ => "\r\n",
        };
        let request = format!("{method} /held HTTP/1.1\r\n{HOST}{head}");
        client.write_all(request.as_bytes()).await.expect("room");
        server.holds(count).await;
        // It breaks off, or ends its half and is heard of no more.
        if count > 2 {
            client.shutdown().await.expect("an end");
            waypoint.wait_for(&gone, count).await;
        }
        drop(client);
        waypoint.wait_for(&gone, count).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_nothing_over_http_2_is_not_kept() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let _waypoint = setting.start_waypoint(&["--head-timeout", "1s"]).await;
    let server = Server::start(&setting, 30, Duration::ZERO).await;
    let mut busy = Client::connect(&setting, &format!("{NEAR}:80"), Version::HTTP_2).await;
    let waiting = busy.starting(NEAR, "/held");
    server.holds(1).await;
    // Nothing, a part of a head, and a part of a frame.
    for rest in [
        &b""[..],
        b"\0\0\x01\x01\0\0\0\0\x01\x82",
        b"\0\0\x40\x01\x05",
    ] {
        let mut client = raw_tunnel(&setting).await;
        client.write_all(PREFACE).await.expect("room");
        client.write_all(rest).await.expect("room");
        let mut said = Vec::new();
        // How it ends does not matter.
        let _ = timeout(PATIENCE, client.read_to_end(&mut said))
            .await
            .expect("an end");
    }
    server.release();
    let answer = timeout(PATIENCE, async { Answer::read(waiting.await).await }).await;
    assert_eq!(
        answer.expect("in time").text(),
        "30",
        "who waits for an answer is kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_reads_holds_up_no_other() {
    let (setting, _waypoint, _server) = start().await;
    let io = tunnel(&setting, &format!("{NEAR}:80")).await;
    let handshake = h2::client::Builder::new()
        .initial_window_size(1024)
        .handshake::<_, Bytes>(io)
        .await;
    let (mut client, connection) = handshake.expect("HTTP/2");
    tokio::spawn(connection);
    let mut unread = Vec::new();
    for _ in 0..20 {
        client = client.ready().await.expect("it is open");
        let request = Request::post(format!("http://{NEAR}/echo"))
            .body(())
            .expect("a request");
        let (response, mut stream) = client.send_request(request, false).expect("a stream");
        stream
            .send_data(Bytes::from(vec![b'x'; 100_000]), true)
            .expect("room");
        let response = timeout(PATIENCE, response).await.expect("in time");
        unread.push(response.expect("an answer").into_body());
    }
    let request = Request::get(format!("http://{NEAR}/"))
        .body(())
        .expect("a request");
    let (response, _) = client.send_request(request, true).expect("a stream");
    let response = timeout(PATIENCE, response)
        .await
        .expect("in time")
        .expect("an answer");
    let name = timeout(PATIENCE, response.into_body().data())
        .await
        .expect("in time");
    assert_eq!(name.expect("more").expect("bytes"), "30");
    // And those are whole.
    for mut body in unread {
        let mut length = 0;
        while let Some(chunk) = timeout(PATIENCE, body.data()).await.expect("in time") {
            let chunk = chunk.expect("bytes");
            length += chunk.len();
            body.flow_control()
                .release_capacity(chunk.len())
                .expect("room");
        }
        assert_eq!(length, 100_000);
    }
}
