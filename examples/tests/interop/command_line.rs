//! `hbone connect` and `hbone serve` as processes, with Envoy or Node.js at the other end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use crate::application::{echo, much, ping};
use crate::envoy::{self, ENVOY, SERVICE};
use crate::node;
use crate::pki::{Pki, id};
use crate::process::free_address;

const CLIENT: &str = "k8s.cluster.name=c1,k8s.deployment.name=client,service.name=client";
const SERVER: &str = "k8s.deployment.name=cli,service.name=cli";

#[tokio::test]
async fn hbone_connect_speaks_to_envoy() {
    let Some(envoy) = envoy::binary() else { return };
    let pki = Pki::new("connect-envoy");
    let (peer, at) = envoy::terminate(&envoy, &pki, echo().await).await;

    let told = connect(&pki, at, &["--peer-id", &id("server"), "10.0.0.2:8080"]).await;
    let [hop] = hops(&told);
    assert_eq!(
        (&hop["hop"], &hop["peer"]),
        (&"only".into(), &id("server").into())
    );
    assert_eq!(header(hop, "baggage"), Some(ENVOY));
    assert_eq!(header(hop, "server"), Some("envoy"));
    assert_eq!(hop["attributes"]["workload"], "envoy");

    let seen = peer.line(|line| line["log"] == "terminate").await;
    assert_eq!(seen["authority"], "10.0.0.2:8080");
    assert_eq!(seen["baggage"], CLIENT);
    assert_eq!(seen["peer_san"], id("client"));
    assert_eq!((&seen["code"], &seen["flags"]), (&200.into(), &"-".into()));
    for absent in [
        "forwarded",
        "x_forwarded_network",
        "x_istio_source",
        "traceparent",
    ] {
        assert!(seen[absent].is_null(), "{seen}");
    }

    let failed = fails(
        &pki,
        at,
        &["--peer-id", &id("somebody-else"), "10.0.0.2:8080"],
    )
    .await;
    assert_eq!(failed["exit"], 4, "{failed}");
    let nobody = free_address();
    let (_dead, at) = envoy::terminate(&envoy, &pki, nobody).await;
    let failed = fails(&pki, at, &["10.0.0.2:8080"]).await;
    assert_eq!(failed["exit"], 5, "{failed}");
    assert!(failed["message"].to_string().contains("503"), "{failed}");
}

#[tokio::test]
async fn hbone_connect_speaks_to_node() {
    if !node::there() {
        return;
    }
    let pki = Pki::new("connect-node");
    let (at, application) = (free_address(), echo().await);
    let peer = node::server(&pki, at, application).await;
    let told = connect(&pki, at, &["--peer-id", &id("server"), "10.0.0.2:8080"]).await;
    let [hop] = hops(&told);
    assert_eq!(header(hop, "baggage"), Some("service.name=nodesrv"));
    let seen = peer.line(|line| line["event"] == "request").await;
    assert_eq!(seen["headers"][":method"], "CONNECT");
    assert_eq!(seen["headers"][":authority"], "10.0.0.2:8080");
    assert_eq!(seen["headers"]["baggage"], CLIENT);
    assert_eq!(seen["san"][0], id("client"));
    let closed = peer.line(|line| line["event"] == "stream_close").await;
    assert_eq!(closed["rst"], 0, "a good end is no reset");
}

#[tokio::test]
async fn envoy_speaks_to_hbone_serve() {
    let Some(envoy) = envoy::binary() else { return };
    let pki = Pki::new("envoy-serve");
    let application = echo().await;
    let server = Hbone::serve(&pki, "127.0.0.1:0", &application.to_string()).await;
    let (peer, at) = envoy::originate(&envoy, &pki, server.at, &application.to_string()).await;
    for _ in 0..3 {
        ping(&mut TcpStream::connect(at).await.expect("Envoy"), &much()).await;
    }
    let line = server.says("status=200").await;
    for part in [
        format!("peer={}", id("client")),
        format!("authority={application}"),
        format!("baggage=\"{ENVOY}\""),
        "forwarded=\"for=".to_owned(),
        "end=ok".to_owned(),
    ] {
        assert!(line.contains(&part), "no {part} in {line}");
    }
    assert!(!line.contains("x-forwarded-network"), "{line}");
    let seen = peer.line(|line| line["bytes_in"].as_u64() > Some(0)).await;
    assert!(
        seen["response_headers"].to_string().contains(SERVER),
        "{seen}"
    );
    assert_eq!(seen["peer_san"], id("server"));
    assert!(seen["failure"].is_null(), "{seen}");
}

#[tokio::test]
async fn node_speaks_to_hbone_serve() {
    if !node::there() {
        return;
    }
    let pki = Pki::new("node-serve");
    let application = echo().await;
    let server = Hbone::serve(&pki, "127.0.0.1:0", &application.to_string()).await;
    let events = node::client(&pki, server.at, &application.to_string()).await;
    let baggage = format!("\"baggage\":\"{SERVER}\"");
    assert!(events.contains(&baggage), "{events}");
    let line = server.says("status=200").await;
    for part in [
        format!("peer={}", id("client")),
        "baggage=\"service.name=nodecli\"".to_owned(),
        "end=ok".to_owned(),
    ] {
        assert!(line.contains(&part), "no {part} in {line}");
    }
}

#[tokio::test]
async fn hbone_connect_double_passes_envoys_gateway_to_hbone_serve() {
    let Some(envoy) = envoy::binary() else { return };
    let pki = Pki::new("double-serve");
    // Envoy's gateway knows the service by name; hbone serve must be able to resolve the same name.
    let application = echo().await;
    let service = format!("localhost:{}", application.port());
    let server = Hbone::serve(&pki, "127.0.0.1:0", &application.to_string()).await;
    let (gateway, at) = envoy::eastwest_for(&envoy, &pki, &service, server.at, server.at).await;

    let (outer, inner) = (id("gateway"), id("server"));
    let args = [
        "--double",
        "--peer-id",
        &outer,
        "--inner-peer-id",
        &inner,
        &service,
    ];
    let told = connect(&pki, at, &args).await;
    let [first, second] = hops(&told);
    assert_eq!(
        (&first["hop"], &first["peer"]),
        (&"outer".into(), &outer.clone().into())
    );
    assert_eq!(
        (&second["hop"], &second["peer"]),
        (&"inner".into(), &inner.into())
    );
    assert_eq!(header(first, "baggage"), Some(ENVOY));
    assert_eq!(header(second, "baggage"), Some(SERVER));

    let line = server.says("status=200").await;
    for part in [
        format!("peer={}", id("client")),
        format!("authority={service}"),
        format!("baggage=\"{CLIENT}\""),
        "end=ok".to_owned(),
    ] {
        assert!(line.contains(&part), "no {part} in {line}");
    }
    let seen = gateway.line(|line| line["log"] == "eastwest").await;
    assert_eq!(
        (&seen["authority"], &seen["baggage"]),
        (&service.into(), &CLIENT.into())
    );
    assert_eq!(seen["peer_san"], id("client"));

    let wrong = ["--double", "--inner-peer-id", &outer, SERVICE];
    let failed = fails(&pki, at, &wrong).await;
    assert_eq!(
        failed["exit"], 5,
        "the gateway does not know that service: {failed}"
    );
    assert!(
        failed["message"]
            .to_string()
            .contains("the outer hop (1 of 2)"),
        "{failed}"
    );
}

/// `hbone serve` as a process, which ends with the test.
struct Hbone {
    child: Child,
    at: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

impl Hbone {
    async fn serve(pki: &Pki, listen: &str, allow: &str) -> Self {
        let mut command = hbone(pki, "serve", "server");
        command.args(["--listen", listen, "--allow", allow, "--baggage", SERVER]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("hbone");
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        stdout.read_line(&mut first).expect("its first line");
        let at = first.trim_end().strip_prefix("listening on ");
        let at = at.expect("where it listens").parse().expect("an address");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let said = Arc::<Mutex<Vec<String>>>::default();
        let lines = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                lines.lock().expect("no panic").push(line);
            }
        });
        Self { child, at, said }
    }

    /// Waits for a line that has this in it.
    async fn says(&self, part: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let said = self.said.lock().expect("no panic").clone();
            if let Some(line) = said.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            assert!(Instant::now() < deadline, "never {part:?} in {said:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Hbone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hbone(pki: &Pki, command: &str, leaf: &str) -> Command {
    let mut hbone = Command::new(env!("CARGO_BIN_EXE_hbone"));
    hbone.arg(command);
    for (flag, file) in [
        ("--ca", "root.pem".to_owned()),
        ("--cert", format!("{leaf}.pem")),
        ("--key", format!("{leaf}.key")),
    ] {
        hbone.arg(flag).arg(pki.folder().join(file));
    }
    hbone
}

/// Sends more than any window through a tunnel to an echo, and gives what was told when it opened.
async fn connect(pki: &Pki, via: SocketAddr, args: &[&str]) -> Value {
    let (code, output, events) = run(pki, via, args, much()).await;
    assert_eq!(code, Some(0), "{events:#?}");
    assert!(
        output == [&much()[..], b"<EOF>"].concat(),
        "other bytes came back"
    );
    event(&events, "opened")
}

/// Opens no tunnel, and gives what was told about that.
async fn fails(pki: &Pki, via: SocketAddr, args: &[&str]) -> Value {
    let (_, output, events) = run(pki, via, args, Vec::new()).await;
    assert!(output.is_empty());
    event(&events, "failed")
}

async fn run(
    pki: &Pki,
    via: SocketAddr,
    args: &[&str],
    input: Vec<u8>,
) -> (Option<i32>, Vec<u8>, Vec<Value>) {
    let mut command = hbone(pki, "connect", "client");
    command.args(["--json", "--via", &via.to_string(), "--baggage", CLIENT]);
    command.args(args).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = spawn_blocking(move || {
        let mut child = command.spawn().expect("hbone");
        let mut stdin = child.stdin.take().expect("a pipe");
        let mut stderr = child.stderr.take().expect("a pipe");
        // Whether it wants all of it is seen by what comes back.
        let feed = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        let mut output = Vec::new();
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_to_end(&mut output).expect("its output");
        feed.join().expect("no panic");
        let errors = errors.join().expect("no panic").expect("text");
        let code = child.wait().expect("its end").code();
        let events = errors
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        (code, output, events.collect())
    });
    run.await.expect("no panic")
}

fn event(events: &[Value], name: &str) -> Value {
    let found = events.iter().find(|event| event["event"] == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {events:#?}"))
        .clone()
}

fn hops<const N: usize>(opened: &Value) -> [&Value; N] {
    let hops = opened["hops"].as_array().expect("hops");
    let hops: Vec<_> = hops.iter().collect();
    hops.try_into().expect("so many")
}

fn header<'a>(hop: &'a Value, name: &str) -> Option<&'a str> {
    let headers = hop["headers"].as_array()?;
    headers.iter().find(|header| header["name"] == name)?["value"].as_str()
}
