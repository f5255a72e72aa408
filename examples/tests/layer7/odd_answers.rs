//! Answers that a client could understand in another way than the proxy.

use crate::process::Process;
use crate::raw::raw;
use crate::scripted::Scripted;
use crate::setting::Setting;

const HOST: &str = "Host: near.shop.svc.cluster.local\r\n";

/// A waypoint before a server that says whatever it is told to.
struct Scene {
    setting: Setting,
    server: Scripted,
    _waypoint: Process,
}

impl Scene {
    async fn start() -> Self {
        let setting = Setting::new();
        setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
        let waypoint = setting.start_waypoint(&[]).await;
        let server = Scripted::start(&setting, 30).await;
        Self {
            setting,
            server,
            _waypoint: waypoint,
        }
    }

    /// What a client gets when the server says this.
    async fn told(&self, answer: &'static [u8], request: &str) -> String {
        self.server.answers(answer);
        raw(&self.setting, request.as_bytes()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_beside_chunks_cuts_no_answer_short() {
    let scene = Scene::start().await;
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 0\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ] {
        let told = scene.told(answer, &format!("GET / HTTP/1.1\r\n{HOST}\r\n")).await;
        assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
        assert!(!told.contains("content-length"), "{told}");
        assert!(told.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coding_that_nobody_decodes_is_502_and_keeps_no_name_that_is_not_so() {
    let scene = Scene::start().await;
    for answer in [
        &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ] {
        let told = scene.told(answer, &format!("GET / HTTP/1.1\r\n{HOST}\r\n")).await;
        assert!(told.starts_with("HTTP/1.1 502 "), "{told}");
        assert!(!told.contains("abc"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_to_what_was_not_asked_for_is_502() {
    let scene = Scene::start().await;
    let asked = format!(
        "GET / HTTP/1.1\r\n{HOST}Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    for answer in [
        &b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nraw"[..],
        b"HTTP/1.1 101 Switching Protocols\r\n\r\nraw",
    ] {
        let told = scene.told(answer, &asked).await;
        assert!(told.starts_with("HTTP/1.1 502 "), "{told}");
        assert!(!told.contains("raw"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_is_said_twice_is_said_once() {
    let scene = Scene::start().await;
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nab";
    let got = scene
        .told(answer, &format!("GET / HTTP/1.1\r\n{HOST}\r\n"))
        .await;
    assert!(got.contains("\r\ncontent-length: 2\r\n"), "{got}");
    assert_eq!(got.matches("content-length").count(), 1, "{got}");
    assert!(got.ends_with("\r\n\r\nab"), "{got}");
    // Nobody reads it there, and so nobody else has looked at it.
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n";
    let got = scene
        .told(answer, &format!("HEAD / HTTP/1.1\r\n{HOST}\r\n"))
        .await;
    assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_passed_on_in_the_servers_words() {
    let scene = Scene::start().await;
    for (answer, line) in [
        (
            &b"HTTP/1.1 599 All Gone\r\nContent-Length: 0\r\n\r\n"[..],
            "HTTP/1.1 599 All Gone\r\n",
        ),
        (
            b"HTTP/1.1 299 Nearly\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 299 Nearly\r\n",
        ),
        (
            b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 Fine\r\n",
        ),
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\n",
        ),
    ] {
        let got = scene
            .told(answer, &format!("GET / HTTP/1.1\r\n{HOST}\r\n"))
            .await;
        assert!(got.starts_with(line), "{got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_have_many_headers_and_too_many_are_told_of() {
    let scene = Scene::start().await;
    let with = |count: usize| -> &'static [u8] {
        let lines: String = (0..count).map(|n| format!("x-{n}: y\r\n")).collect();
        format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nok")
            .leak()
            .as_bytes()
    };
    let request = format!("GET / HTTP/1.1\r\n{HOST}\r\n");
    let got = scene.told(with(300), &request).await;
    assert!(
        got.starts_with("HTTP/1.1 200 ") && got.ends_with("ok"),
        "{got}"
    );
    assert_eq!(got.matches(": y\r\n").count(), 300, "{got}");
    let got = scene.told(with(500), &request).await;
    assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
    assert!(got.contains("400 headers"), "{got}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_have_no_body_has_none_whatever_its_head_says() {
    let scene = Scene::start().await;
    for (answer, method, status) in [
        (
            &b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"[..],
            "GET",
            204,
        ),
        (
            b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET",
            204,
        ),
        (
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            "GET",
            304,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", 200),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HEAD",
            200,
        ),
    ] {
        let request = format!(
            "{method} / HTTP/1.1\r\n{HOST}\r\n{method} /again HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n"
        );
        let got = scene.told(answer, &request).await;
        let line = format!("HTTP/1.1 {status} ");
        assert_eq!(got.matches(&line).count(), 2, "{got}");
        let heads = got.split("\r\n\r\n").count();
        assert_eq!(heads, 3, "two heads and nothing else: {got}");
        assert_eq!(
            got.contains("content-length: 5"),
            method == "HEAD" && answer.ends_with(b"5\r\n\r\n"),
            "{got}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_before_its_answer_goes_on() {
    let scene = Scene::start().await;
    let answer = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nlink: </b.js>\r\n\
        connection: x-mine\r\nx-mine: secret\r\nx-envoy-peer-metadata: secret\r\ncontent-length: 7\r\n\r\n\
        HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let request = format!("GET / HTTP/1.1\r\n{HOST}\r\n");
    let got = scene.told(answer, &request.repeat(3)).await;
    let hints = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nlink: </b.js>\r\n\r\nHTTP/1.1 200 OK\r\n";
    assert!(got.starts_with(hints), "{got}");
    assert_eq!(got.matches(hints).count(), 3, "{got}");
    assert_eq!(got.matches("HTTP/1.1 ").count(), 9, "{got}");
    assert!(!got.contains("secret"), "{got}");
    // HTTP/1.0 knows nothing of it, nor do servers mean more by a 100 than by an answer that does not come.
    let got = scene
        .told(answer, &format!("GET / HTTP/1.0\r\n{HOST}\r\n"))
        .await;
    assert!(
        got.starts_with("HTTP/1.0 200 OK\r\n") && got.ends_with("ok"),
        "{got}"
    );
    let unasked = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let got = scene.told(unasked, &request).await;
    assert!(
        got.starts_with("HTTP/1.1 200 OK\r\n") && got.ends_with("ok"),
        "{got}"
    );
}
