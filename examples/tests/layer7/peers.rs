//! gRPC and WebSockets as others have written them, in Python, at either end of every kind of proxy. `PEERS_PYTHON` is an
//! interpreter that has them.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::available::available;
use crate::process::Process;
use crate::setting::{FAR, Setting};

/// The programs between a client and a server in another network.
struct Chain {
    setting: Setting,
    waypoint: Process,
    ingress: Process,
    _others: Vec<Process>,
}

impl Chain {
    async fn start() -> Self {
        let setting = Setting::new();
        let mesh = setting.mesh(&[(10, 1, true)], &[]);
        let believing = ["--believe", "gateway=*"];
        let gateway = setting.world.start(&mesh, &believing).await;
        let of_server = setting.start_node_proxy("echo-10", "echo", 10).await;
        let of_client = setting.start_node_proxy("client", "client", 50).await;
        Self {
            waypoint: setting.start_waypoint(&[]).await,
            ingress: setting.start_ingress(&[]).await,
            setting,
            _others: vec![gateway, of_server, of_client],
        }
    }

    /// Where the server's application listens.
    fn server(&self) -> SocketAddr {
        (self.setting.world.ip(10), 8080).into()
    }

    /// Where clients find it: by the ingress gateway, and by their node proxy, which leads through the waypoint.
    async fn ways(&self) -> [SocketAddr; 2] {
        let socks = (self.setting.world.ip(50), 15080).into();
        [self.setting.ingress(), by_socks(socks).await]
    }

    /// What the waypoint counted names both parties.
    async fn knows_both(&self, part: &str) {
        self.waypoint.wait_for(&["request complete"], 1).await;
        let totals = self.setting.metrics(&["istio_requests_total{", part]).await;
        assert!(!totals.is_empty(), "{part}");
        for total in totals {
            for part in [
                "source_workload=\"client\"",
                "source_cluster=\"c-east\"",
                "destination_workload=\"echo\"",
                "destination_cluster=\"c-west\"",
            ] {
                assert!(total.contains(part), "{part} in {total}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_calls_of_every_kind_go_through_every_kind_of_proxy() {
    if !has("grpc") {
        return;
    }
    let chain = Chain::start().await;
    let server = python("grpc_server.py", &[&chain.server().to_string()]);
    server.wait_for(&["listening"], 1).await;
    for (count, way) in (1..).zip(chain.ways().await) {
        let mut client = python("grpc_client.py", &[&way.to_string(), FAR]);
        let ended = client.end().await;
        assert!(ended.success(), "{way}: {:#?}", client.lines(&[]));
        assert_eq!(client.lines(&["ok "]).len(), 8);
        server.wait_for(&["cancelled was given up"], count).await;
        server.wait_for(&["late was given up"], count).await;
        let deadlines = server.lines(&["has begun, deadline True"]);
        assert_eq!(deadlines.len(), 2 * count, "the server knows of them");
    }
    for status in ["0", "9", "12", "15"] {
        let status = format!("grpc_response_status=\"{status}\"");
        chain.knows_both(&status).await;
    }
    for proxy in [&chain.waypoint, &chain.ingress] {
        // One was cancelled, one was late.
        proxy
            .wait_for(&["request complete", "flags=\"DC\""], 2)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_go_through_every_kind_of_proxy() {
    if !has("websockets") {
        return;
    }
    let chain = Chain::start().await;
    let (ip, port) = (chain.server().ip(), chain.server().port());
    let at = [ip.to_string(), port.to_string()];
    let server = python("websocket_server.py", &[&at[0], &at[1]]);
    server.wait_for(&["listening"], 1).await;
    for (count, way) in (1..).zip(chain.ways().await) {
        let (ip, port) = (way.ip().to_string(), way.port().to_string());
        let mut client = python("websocket_client.py", &[&ip, &port, FAR]);
        let ended = client.end().await;
        assert!(ended.success(), "{way}: {:#?}", client.lines(&[]));
        assert_eq!(client.lines(&["ok "]).len(), 2);
        server.wait_for(&["closed 4000 enough"], count).await;
        server.wait_for(&["closed 4001 as asked"], count).await;
    }
    for proxy in [&chain.waypoint, &chain.ingress] {
        proxy
            .wait_for(&["request complete", "http.status=101"], 2)
            .await;
    }
    chain.knows_both("response_code=\"101\"").await;
}

/// Whether there is an interpreter with this module.
fn has(module: &str) -> bool {
    let mut command = interpreter();
    command.args(["-c", &format!("import {module}")]);
    let found = command.stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    available(&format!("Python's {module}"), found)
}

fn python(script: &str, arguments: &[&str]) -> Process {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layer7/peers");
    let mut command = interpreter();
    command.arg(format!("{folder}/{script}")).args(arguments);
    Process::start(&mut command)
}

fn interpreter() -> Command {
    let python = std::env::var_os("PEERS_PYTHON");
    Command::new(python.unwrap_or_else(|| "python3".into()))
}

/// Listens for what knows nothing of SOCKS5, and asks the node proxy there for connections to the server.
async fn by_socks(proxy: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((proxy.ip(), 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = ask(proxy).await;
                // How it ends is theirs to judge.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

async fn ask(proxy: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(proxy).await.expect("it listens");
    let mut wish = vec![5, 1, 0, 5, 1, 0, 3, FAR.len() as u8];
    wish.extend(FAR.bytes());
    wish.extend(80_u16.to_be_bytes());
    socket.write_all(&wish).await.expect("it listens");
    // No authentication; success; an IPv4 address.
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.expect("an answer");
    assert_eq!((&answer[..5], answer[5]), (&[5, 0, 5, 0, 0][..], 1));
    socket
}
