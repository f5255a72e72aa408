//! Answers that a client could understand in another way than the proxy.

use crate::raw::raw;
use crate::scripted::Scripted;
use crate::setting::Setting;

const HOST: &str = "Host: near.shop.svc.cluster.local\r\n";

/// What a client gets when the server says this.
async fn told(answer: &'static [u8], request: &str) -> String {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let _waypoint = setting.start_waypoint(&[]).await;
    let _server = Scripted::start(&setting, 30, answer).await;
    raw(&setting, request.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_beside_chunks_cuts_no_answer_short() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 0\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ] {
        let told = told(answer, &format!("GET / HTTP/1.1\r\n{HOST}\r\n")).await;
        assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
        assert!(!told.contains("content-length"), "{told}");
        assert!(told.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coding_that_nobody_decodes_is_502_and_keeps_no_name_that_is_not_so() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ] {
        let told = told(answer, &format!("GET / HTTP/1.1\r\n{HOST}\r\n")).await;
        assert!(told.starts_with("HTTP/1.1 502 "), "{told}");
        assert!(!told.contains("abc"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_to_what_was_not_asked_for_is_502() {
    let asked = format!(
        "GET / HTTP/1.1\r\n{HOST}Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    for answer in [
        &b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nraw"[..],
        b"HTTP/1.1 101 Switching Protocols\r\n\r\nraw",
    ] {
        let told = told(answer, &asked).await;
        assert!(told.starts_with("HTTP/1.1 502 "), "{told}");
        assert!(!told.contains("raw"), "{told}");
    }
}
