//! What is said to a server a second time, and what is not.

use http::{Request, Version};
use http_body_util::Full;

use crate::client::{Answer, Client};
use crate::process::Process;
use crate::scripted::Scripted;
use crate::setting::{NEAR, Setting};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn start() -> (Setting, Process, Scripted) {
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let waypoint = setting.start_waypoint(&[]).await;
    let server = Scripted::start(&setting, 30).await;
    (setting, waypoint, server)
}

async fn ask(client: &mut Client, method: &str) -> Answer {
    let request = Request::builder().method(method).uri("/");
    let request = request.header("host", NEAR).body(Full::default());
    client.send(request.expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_may_have_begun_to_do_is_not_asked_of_it_again() {
    let (setting, _waypoint, server) = start().await;
    let mut client = Client::connect(&setting, &format!("{NEAR}:80"), Version::HTTP_11).await;
    for (method, is_used, said) in [
        // A server that ends a connection on which it has answered before may have been about to end it anyway.
        ("GET", true, 2),
        ("HEAD", true, 2),
        ("GET", false, 1),
        ("DELETE", true, 1),
        ("PUT", true, 1),
        ("POST", true, 1),
        ("PROPFIND", true, 1),
    ] {
        server.answers(OK);
        if is_used {
            assert_eq!(ask(&mut client, "GET").await.status, 200);
        }
        server.heads();
        server.ends();
        assert_eq!(ask(&mut client, method).await.status, 502, "{method}");
        assert_eq!(server.heads(), said, "{method}, used before: {is_used}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_answered_is_not_asked_again_whatever_it_said() {
    let (setting, _waypoint, server) = start().await;
    let mut client = Client::connect(&setting, &format!("{NEAR}:80"), Version::HTTP_11).await;
    server.answers(OK);
    assert_eq!(ask(&mut client, "GET").await.status, 200);
    server.heads();
    server.answers(b"no HTTP at all\r\n\r\n");
    assert_eq!(ask(&mut client, "GET").await.status, 502);
    assert_eq!(server.heads(), 1);
}
