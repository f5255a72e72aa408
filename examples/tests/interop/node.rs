//! Node.js's `http2` as client and as server.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use hbone::{Connect, DialCause, Hop, Identity, RequestError, Route};
use http::HeaderValue;
use tokio_hbone::Connector;

use crate::application::{echo, much, ping};
use crate::available::available;
use crate::ours::{Ours, text};
use crate::pki::{Pki, id};
use crate::process::{Process, free_address};

#[tokio::test]
async fn our_client_speaks_to_node() {
    if !there() {
        return;
    }
    let pki = Pki::new("node-server");
    let (at, application) = (free_address(), echo().await);
    let peer = server(&pki, at, application).await;

    let connector = Connector::new(pki.client("client"));
    let to = |authority: &str| {
        let mut connect = Connect::new(authority.parse().expect("an authority"));
        connect.baggage = [HeaderValue::from_static("service.name=ours")]
            .into_iter()
            .collect();
        let server = Identity::parse(&id("server")).expect("an id");
        Route::new(at, Hop::new(connect, server.into()))
    };
    let mut tunnel = connector
        .connect(&to("10.0.0.2:8080"))
        .await
        .expect("a tunnel");
    assert_eq!(
        text(&tunnel.answers()[0].accept.baggage),
        ["service.name=nodesrv"]
    );
    ping(&mut tunnel, &much()).await;

    let seen = peer.line(|line| line["event"] == "request").await;
    assert_eq!(seen["headers"][":method"], "CONNECT");
    assert_eq!(seen["headers"][":authority"], "10.0.0.2:8080");
    assert_eq!(seen["headers"]["baggage"], "service.name=ours");
    assert_eq!(seen["san"][0], id("client"));
    let session = peer
        .line(|line| line["event"] == "session" && !line["san"].is_null())
        .await;
    assert_eq!(
        (&session["alpn"], &session["tls"]),
        (&"h2".into(), &"TLSv1.3".into())
    );
    assert!(
        session["sni"].is_null(),
        "no server name is sent: {session}"
    );
    let closed = peer.line(|line| line["event"] == "stream_close").await;
    assert_eq!(closed["rst"], 0, "a good end is no reset");

    let unknown = connector
        .connect(&to("10.9.9.9:1"))
        .await
        .expect_err("unknown there");
    assert!(
        matches!(unknown.cause, DialCause::Request(RequestError::Refused(_))),
        "{unknown}"
    );
}

#[tokio::test]
async fn node_speaks_to_our_server() {
    if !there() {
        return;
    }
    let pki = Pki::new("node-client");
    let ours = Ours::start(pki.server("server"), echo().await, "service.name=ours").await;
    let events = client(&pki, ours.address, "10.0.0.2:8080").await;
    assert!(
        events.contains(r#""baggage":"service.name=ours""#),
        "{events}"
    );

    let (who, connect) = ours.seen().pop().expect("a CONNECT");
    assert_eq!(who.to_string(), id("client"));
    assert_eq!(text(&connect.baggage), ["service.name=nodecli"]);
}

/// A server that leads 10.0.0.2:8080 to the application.
pub(crate) async fn server(pki: &Pki, at: SocketAddr, application: SocketAddr) -> Process {
    let mut command = node("node-server.mjs", pki, "server");
    command.args([
        "--port",
        &at.port().to_string(),
        "--baggage",
        "service.name=nodesrv",
    ]);
    command.args(["--map", &format!("10.0.0.2:8080={application}")]);
    Process::start(&mut command).listens(at).await
}

/// Runs a client that sends a word to an echo at `authority`, and gives its events.
pub(crate) async fn client(pki: &Pki, server: SocketAddr, authority: &str) -> String {
    let mut command = node("node-client.mjs", pki, "client");
    command.args([
        "--port",
        &server.port().to_string(),
        "--authority",
        authority,
    ]);
    command.args([
        "--san",
        &id("server"),
        "-H",
        "baggage: service.name=nodecli",
    ]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("node");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(b"ping")
            .expect("its input");
        child.wait_with_output().expect("its output")
    });
    let output = output.await.expect("no panic");
    let events = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{events}");
    assert_eq!(output.stdout, b"ping<EOF>");
    events
}

fn node(script: &str, pki: &Pki, leaf: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(format!(
        "{}/tests/interop/peers/{script}",
        env!("CARGO_MANIFEST_DIR")
    ));
    for (flag, file) in [
        ("--ca", "root.pem".to_owned()),
        ("--cert", format!("{leaf}.pem")),
        ("--key", format!("{leaf}.key")),
    ] {
        command.arg(flag).arg(pki.folder().join(file));
    }
    command
}

/// Whether Node.js is there.
pub(crate) fn there() -> bool {
    let version = Command::new("node")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    available("Node.js", version.is_ok_and(|status| status.success()))
}
