use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hbone::{Connect, DialCause, DialError, Hop, Identity, RequestError, Route, TunnelError};
use hbone_examples::pki::Authority;
use rustix::process::Signal;
use rustls::crypto::aws_lc_rs;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_hbone::tls::{ClientTls, TrustBundles};
use tokio_hbone::{Connector, Pool, Tunnel};

use crate::process::{PATIENCE, Process};

pub(crate) const SERVICE: &str = "echo.shop.svc.cluster.local:80";

/// A network on loopback addresses of its own, and the files of its gateway.
pub(crate) struct World {
    authority: Authority,
    folder: PathBuf,
    net: [u8; 2],
    reloads: AtomicU32,
}

/// An endpoint as the mesh file has it: the last byte of its address, its weight, and whether it is healthy.
pub(crate) type Pod = (u8, u32, bool);

impl World {
    pub(crate) fn new() -> Self {
        let (net, folder) = claim();
        let world = Self {
            authority: Authority::root("gateway test root").expect("a root"),
            folder,
            net,
            reloads: AtomicU32::new(0),
        };
        std::fs::write(world.folder.join("root.pem"), world.authority.pem()).expect("root.pem");
        for account in ["gateway", "echo"] {
            world.write_leaf(account);
        }
        world
    }

    pub(crate) fn ip(&self, last: u8) -> IpAddr {
        Ipv4Addr::new(127, self.net[0], self.net[1], last).into()
    }

    /// Where the gateway accepts tunnels.
    pub(crate) fn gateway(&self) -> SocketAddr {
        (self.ip(2), hbone::PORT).into()
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder
            .join(name)
            .to_str()
            .expect("a path of text")
            .to_owned()
    }

    /// Writes a certificate and its key for the service account.
    pub(crate) fn write_leaf(&self, account: &str) {
        let issued = self.authority.workload(&id(account)).expect("a leaf");
        std::fs::write(self.file(&format!("{account}.pem")), issued.chain).expect("a file");
        std::fs::write(self.file(&format!("{account}.key")), issued.key).expect("a file");
    }

    /// The mesh: the gateway, the service `echo`, and its endpoints.
    pub(crate) fn mesh(&self, pods: &[Pod]) -> Value {
        let pod = |&(last, capacity, healthy): &Pod| {
            json!({
                "uid": format!("pod-{last}"), "name": format!("echo-{last}"), "namespace": "shop", "serviceAccount": "echo",
                "network": "west", "workloadIps": [self.ip(last)], "protocol": "HBONE", "clusterId": "c-west",
                "workloadName": "echo", "workloadType": "deployment", "canonicalName": "echo", "canonicalRevision": "v1",
                "capacity": capacity, "status": if healthy { "Healthy" } else { "Unhealthy" },
                "services": {"shop/echo.shop.svc.cluster.local": {"80": 8080}},
            })
        };
        let gateway = json!({
            "uid": "gateway", "name": "gateway", "namespace": "shop", "serviceAccount": "gateway", "network": "west",
            "workloadIps": [self.ip(2)], "protocol": "HBONE", "clusterId": "c-west", "workloadName": "gateway",
            "workloadType": "deployment", "canonicalName": "gateway", "canonicalRevision": "v7",
        });
        let workloads: Vec<_> = [gateway].into_iter().chain(pods.iter().map(pod)).collect();
        json!({
            "workloads": workloads,
            "services": [{
                "name": "echo", "namespace": "shop", "hostname": "echo.shop.svc.cluster.local",
                "vips": [format!("west/{}", self.ip(200))], "ports": {"80": 8080},
            }],
        })
    }

    pub(crate) fn write(&self, mesh: &Value) {
        // Whoever reads it meanwhile reads one or the other.
        std::fs::write(self.file("mesh.new"), mesh.to_string()).expect("a file");
        std::fs::rename(self.file("mesh.new"), self.file("mesh.yaml")).expect("a file");
    }

    /// Has the gateway take over a mesh that differs from the one before.
    pub(crate) async fn reload(&self, gateway: &Process, mesh: &Value) {
        self.write(mesh);
        gateway.signal(Signal::HUP);
        // However often the file is read, each change is told once.
        let changes = self.reloads.fetch_add(1, Ordering::Relaxed) as usize + 1;
        gateway.wait_for(&["is in force"], changes).await;
    }

    /// The gateway's flags.
    pub(crate) fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eastwest-gateway"));
        let at = |port: u16| SocketAddr::new(self.ip(2), port).to_string();
        command
            .args([
                "--mesh",
                &self.file("mesh.yaml"),
                "--workload",
                "shop/gateway",
            ])
            .args([
                "--cert",
                &self.file("gateway.pem"),
                "--key",
                &self.file("gateway.key"),
            ])
            .args([
                "--ca",
                &self.file("root.pem"),
                "--inbound",
                &at(hbone::PORT),
            ])
            .args(["--metrics", &at(15020), "--ready", &at(15021)])
            .args(flags);
        command
    }

    /// The gateway over this mesh.
    pub(crate) async fn start(&self, mesh: &Value, flags: &[&str]) -> Process {
        self.write(mesh);
        self.restart(flags).await
    }

    pub(crate) async fn restart(&self, flags: &[&str]) -> Process {
        let process = Process::start(&mut self.command(flags));
        process.wait_for(&["runtime: ready"], 1).await;
        process
    }

    /// A client of this service account.
    pub(crate) fn connector(&self, account: &str) -> Connector {
        let issued = self.authority.workload(&id(account)).expect("a leaf");
        let roots = [self.authority.certificate().clone()];
        let bundles = TrustBundles::new()
            .with_roots("cluster.local", roots)
            .expect("a bundle");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = ClientTls::new(
            provider,
            issued.credentials().expect("credentials"),
            bundles,
        );
        Connector::new(tls.expect("a configuration"))
    }

    pub(crate) fn pool(&self) -> Pool {
        Pool::new(self.connector("client"))
    }

    /// The outer tunnel to `authority`.
    pub(crate) fn route(&self, authority: &str) -> Route {
        self.route_of(Connect::new(authority.parse().expect("an authority")))
    }

    pub(crate) fn route_of(&self, connect: Connect) -> Route {
        let gateway = Identity::parse(&id("gateway")).expect("an id");
        Route::new(self.gateway(), Hop::new(connect, gateway.into()))
    }

    /// What is answered to a GET at a port of the gateway.
    pub(crate) async fn get(&self, port: u16, path: &str) -> String {
        let head = "HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n";
        self.say(port, &format!("GET {path} {head}")).await
    }

    /// What is answered to this at a port of the gateway.
    pub(crate) async fn say(&self, port: u16, request: &str) -> String {
        let mut socket = TcpStream::connect((self.ip(2), port))
            .await
            .expect("it listens");
        socket
            .write_all(request.as_bytes())
            .await
            .expect("a request");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        answer
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A network that no other world has, of this process or of one beside it: whoever can make its folder has it.
fn claim() -> ([u8; 2], PathBuf) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() * 128 + COUNT.fetch_add(1, Ordering::Relaxed);
    let nets = (first..first + NETS).map(|index| [32 + (index / 256 % 96) as u8, index as u8]);
    let mut claims = nets.map(|net| {
        let folder = std::env::temp_dir().join(format!("hbone-world-{}-{}", net[0], net[1]));
        std::fs::create_dir(&folder).map(|()| (net, folder))
    });
    let claimed = claims.find_map(Result::ok);
    claimed.expect("a folder that is not there yet")
}

/// How many there are.
const NETS: u32 = 96 * 256;

/// The identity of a service account.
pub(crate) fn id(account: &str) -> String {
    format!("spiffe://cluster.local/ns/shop/sa/{account}")
}

/// Who is at the far end: the byte that it says first.
pub(crate) async fn name(tunnel: &mut Tunnel) -> u8 {
    tunnel.read_u8().await.expect("a name")
}

/// Opens a tunnel, asks who is there, and ends it as it should end.
pub(crate) async fn ask(pool: &Pool, route: &Route) -> Result<u8, DialError> {
    let mut tunnel = pool.connect(route).await?;
    let name = name(&mut tunnel).await;
    tunnel.write_all(b"over").await.expect("room");
    tunnel.shutdown().await.expect("an end");
    let mut back = Vec::new();
    tunnel.read_to_end(&mut back).await.expect("the end");
    assert_eq!(back, b"over");
    Ok(name)
}

/// How a tunnel ended on which nothing more comes, in time.
pub(crate) async fn cut(tunnel: &mut Tunnel) -> TunnelError {
    let next = timeout(PATIENCE, tunnel.read_chunk()).await;
    next.expect("it is cut in time")
        .expect_err("no end of file, and no bytes")
}

/// The status with which a dial was refused.
pub(crate) fn refusal(error: &DialError) -> Option<u16> {
    match &error.cause {
        DialCause::Request(RequestError::Refused(refused)) => Some(refused.status().as_u16()),
        _ => None,
    }
}

/// What an endpoint does at once.
pub(crate) const AT_ONCE: Duration = Duration::ZERO;
