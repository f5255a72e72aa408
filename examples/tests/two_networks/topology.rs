use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;

use hbone_examples::pki::Authority;

use crate::applications::{echo, serve};
use crate::namespaces::Namespace;
use crate::running::{Proxy, get, within};

/// The whole picture, with every proxy's files written and none started.
pub(crate) struct Topology {
    pub(crate) client: Namespace,
    pub(crate) gateway: Namespace,
    pub(crate) server: Namespace,
    pub(crate) second: Namespace,
    pub(crate) waypoint: Namespace,
    _router: Namespace,
    dir: PathBuf,
}

/// The service's address in the north.
pub(crate) const VIP: &str = "10.200.0.1";
pub(crate) const NAME: &str = "echo.shop.svc.cluster.local";
/// The name of the service that has one server alone, the second.
pub(crate) const SECOND: &str = "second.shop.svc.cluster.local";
/// The address and the name of the service that speaks HTTP and has a waypoint.
pub(crate) const WEB_VIP: &str = "10.200.0.2";
pub(crate) const WEB: &str = "web.shop.svc.cluster.local";

/// One file for all of them. Pods of both networks have the address 10.1.0.5.
const MESH: &str = "\
workloads:
- uid: north//Pod/shop/client
  name: client
  namespace: shop
  serviceAccount: client
  workloadIps: [10.1.0.5]
  network: network-north
  protocol: HBONE
  workloadName: client-v1
  canonicalName: client
  canonicalRevision: v1
  clusterId: cluster-north
  locality: {region: r1, zone: z1}
- uid: north//Pod/shop/decoy
  name: decoy
  namespace: shop
  serviceAccount: decoy
  workloadIps: [10.1.0.6]
  network: network-north
  protocol: HBONE
  workloadName: decoy-v1
  clusterId: cluster-north
- uid: north//Pod/shop/waypoint
  name: waypoint
  namespace: shop
  serviceAccount: waypoint
  workloadIps: [10.1.0.7]
  network: network-north
  protocol: HBONE
  workloadName: waypoint
  canonicalName: waypoint
  canonicalRevision: v1
  clusterId: cluster-north
- uid: south//Pod/infra/gateway
  name: gateway
  namespace: infra
  serviceAccount: gateway
  workloadIps: [192.0.2.2, 10.1.0.1]
  network: network-south
  protocol: HBONE
  workloadName: gateway
  canonicalName: gateway
  canonicalRevision: v1
  clusterId: cluster-south
- uid: south//Pod/shop/server
  name: server
  namespace: shop
  serviceAccount: server
  workloadIps: [10.1.0.5]
  network: network-south
  networkGateway: {destination: network-south/192.0.2.2, hboneMtlsPort: 15008}
  protocol: HBONE
  workloadName: server-v2
  canonicalName: server
  canonicalRevision: v2
  clusterId: cluster-south
  locality: {region: r2, zone: z2}
  services: {shop/echo.shop.svc.cluster.local: {80: 8080}, shop/web.shop.svc.cluster.local: {80: 8081}}
- uid: south//Pod/shop/second
  name: second
  namespace: shop
  serviceAccount: server
  workloadIps: [10.1.0.6]
  network: network-south
  networkGateway: {destination: network-south/192.0.2.2, hboneMtlsPort: 15008}
  protocol: HBONE
  workloadName: server-v2
  canonicalName: server
  canonicalRevision: v2
  clusterId: cluster-south
  locality: {region: r2, zone: z2}
  services: {shop/echo.shop.svc.cluster.local: {80: 8080}, shop/second.shop.svc.cluster.local: {80: 8080}, shop/web.shop.svc.cluster.local: {80: 8081}}
services:
- name: echo
  namespace: shop
  hostname: echo.shop.svc.cluster.local
  vips: [network-north/10.200.0.1, network-south/10.200.0.1]
  ports: {80: 8080}
  subjectAltNames: [spiffe://cluster.local/ns/shop/sa/server]
- name: second
  namespace: shop
  hostname: second.shop.svc.cluster.local
  vips: [network-north/10.200.0.3, network-south/10.200.0.3]
  ports: {80: 8080}
  subjectAltNames: [spiffe://cluster.local/ns/shop/sa/server]
- name: web
  namespace: shop
  hostname: web.shop.svc.cluster.local
  vips: [network-north/10.200.0.2, network-south/10.200.0.2]
  ports: {80: 8081}
  subjectAltNames: [spiffe://cluster.local/ns/shop/sa/server]
  waypoint: {destination: network-north/10.1.0.7, hboneMtlsPort: 15008}
";

impl Topology {
    /// Ties the namespaces together; `name` tells those of several tests apart.
    pub(crate) fn new(name: &str) -> Self {
        let namespace = |role: &str| Namespace::new(&format!("{name}{role}"));
        let (client, router) = (namespace("c"), namespace("r"));
        let (gateway, server, second) = (namespace("g"), namespace("s"), namespace("t"));

        let waypoint = namespace("w");
        router.run("ip link add pods type bridge");
        router.run("ip addr add 10.1.0.1/24 dev pods");
        router.run("ip link set pods up");
        for (pod, cable, address) in [(&client, "p5", "10.1.0.5"), (&waypoint, "p7", "10.1.0.7")] {
            pod.link("eth0", &router, cable);
            router.run(&format!("ip link set {cable} master pods"));
            pod.run(&format!("ip addr add {address}/24 dev eth0"));
            pod.run("ip route add default via 10.1.0.1");
        }
        client
            .run("iptables -t nat -A OUTPUT -p tcp -d 10.200.0.0/16 -j REDIRECT --to-ports 15001");
        router.link("out", &gateway, "in");
        router.run("ip addr add 192.0.2.1/24 dev out");
        router.run("sysctl -qw net.ipv4.ip_forward=1");
        router.run("iptables -t nat -A POSTROUTING -o out -j MASQUERADE");
        gateway.run("ip addr add 192.0.2.2/24 dev in");

        gateway.run("ip link add pods type bridge");
        gateway.run("ip addr add 10.1.0.1/24 dev pods");
        gateway.run("ip link set pods up");
        for (pod, cable, address) in [(&server, "p5", "10.1.0.5"), (&second, "p6", "10.1.0.6")] {
            pod.link("eth0", &gateway, cable);
            gateway.run(&format!("ip link set {cable} master pods"));
            pod.run(&format!("ip addr add {address}/24 dev eth0"));
            pod.run(
                "iptables -t nat -A PREROUTING -p tcp -m multiport ! --dports 15008,15020,15021 -j REDIRECT --to-ports 15006",
            );
        }

        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("two-networks-{name}"));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a directory");
        let topology = Self {
            client,
            gateway,
            server,
            second,
            waypoint,
            _router: router,
            dir,
        };
        topology.write_files();
        topology
    }

    /// Starts everything: the client's proxy, the gateway, and the servers with their proxies.
    pub(crate) fn start(&self) -> Running {
        for (pod, name) in [(&self.server, "server"), (&self.second, "second")] {
            pod.inside(|| match name {
                "server" => {
                    serve(application(), |socket| answer(socket, b"server"));
                    serve(web(), |socket| answer_http(socket, "server"));
                }
                _ => {
                    serve(application(), |socket| answer(socket, b"second"));
                    serve(web(), |socket| answer_http(socket, "second"));
                }
            });
        }
        Running {
            server: self.start_server(),
            second: self.start_second(),
            gateway: self.start_gateway(),
            client: self.start_client(),
        }
    }

    pub(crate) fn start_client(&self) -> Proxy {
        self.proxy(
            &self.client,
            NODE_PROXY,
            "client",
            "shop/client",
            "client",
            &[],
        )
    }

    pub(crate) fn start_server(&self) -> Proxy {
        self.proxy(
            &self.server,
            NODE_PROXY,
            "server",
            "shop/server",
            "server",
            BOTH_FAMILIES,
        )
    }

    pub(crate) fn start_second(&self) -> Proxy {
        self.proxy(
            &self.second,
            NODE_PROXY,
            "second",
            "shop/second",
            "server",
            &[],
        )
    }

    pub(crate) fn start_waypoint(&self, extra: &[&str]) -> Proxy {
        let name = "waypoint";
        self.proxy(&self.waypoint, WAYPOINT, name, "shop/waypoint", name, extra)
    }

    pub(crate) fn start_gateway(&self) -> Proxy {
        self.proxy(
            &self.gateway,
            GATEWAY,
            "gateway",
            "infra/gateway",
            "gateway",
            &[],
        )
    }

    /// What a proxy has logged.
    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(format!("{name}.log"))).expect("a log")
    }

    fn proxy(
        &self,
        namespace: &Namespace,
        program: &str,
        name: &str,
        workload: &str,
        account: &str,
        extra: &[&str],
    ) -> Proxy {
        let log = self.dir.join(format!("{name}.log"));
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log");
        let mut command = namespace.command(program);
        command
            .arg("--mesh")
            .arg(self.dir.join("mesh.yaml"))
            .args(["--workload", workload])
            .arg("--cert")
            .arg(self.dir.join(format!("{account}.pem")))
            .arg("--key")
            .arg(self.dir.join(format!("{account}.key")))
            .arg("--ca")
            .arg(self.dir.join("root.pem"))
            .args(extra)
            // Far longer than anything here takes on a busy machine: what is cut then has been lost.
            .env("CONNECTION_TERMINATION_DEADLINE", "50s")
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("a log"))
            .stdout(log);
        let proxy = Proxy::spawn(&mut command, admin());
        let ready: SocketAddr = "127.0.0.1:15021".parse().expect("an address");
        within("the proxy is ready", || {
            let answer = namespace.inside(|| get(ready, "/healthz/ready"));
            answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
        });
        proxy
    }

    fn write_files(&self) {
        let write = |name: &str, text: &str| {
            fs::write(self.dir.join(name), text).expect("a file");
        };
        write("mesh.yaml", MESH);
        let root = Authority::root("mesh").expect("a root");
        write("root.pem", &root.pem());
        for (namespace, account) in [
            ("shop", "client"),
            ("shop", "server"),
            ("shop", "waypoint"),
            ("infra", "gateway"),
        ] {
            let id = format!("spiffe://cluster.local/ns/{namespace}/sa/{account}");
            let issued = root.workload(&id).expect("a certificate");
            write(&format!("{account}.pem"), &issued.chain);
            write(&format!("{account}.key"), &issued.key);
        }
    }
}

/// All proxies.
pub(crate) struct Running {
    pub(crate) client: Proxy,
    pub(crate) gateway: Proxy,
    pub(crate) server: Proxy,
    pub(crate) second: Proxy,
}

/// One of the servers listens for both families, where IPv4 comes in IPv6 clothing.
const BOTH_FAMILIES: &[&str] = &["--inbound", "[::]:15008", "--plaintext", "[::]:15006"];

const NODE_PROXY: &str = env!("CARGO_BIN_EXE_node-proxy");
const GATEWAY: &str = env!("CARGO_BIN_EXE_eastwest-gateway");
const WAYPOINT: &str = env!("CARGO_BIN_EXE_waypoint");

/// Where SOCKS5 is served, in the client's namespace.
pub(crate) fn socks() -> SocketAddr {
    "127.0.0.1:15080".parse().expect("an address")
}

fn admin() -> SocketAddr {
    "127.0.0.1:15020".parse().expect("an address")
}

fn application() -> SocketAddr {
    "0.0.0.0:8080".parse().expect("an address")
}

fn web() -> SocketAddr {
    "0.0.0.0:8081".parse().expect("an address")
}

/// Answers every request, none of which has a body, with who it is.
fn answer_http(socket: TcpStream, who: &str) {
    let mut reader = BufReader::new(socket);
    loop {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
        }
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{who}",
            who.len()
        );
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Says who it is, and echoes.
fn answer(mut socket: TcpStream, who: &[u8; 6]) {
    if socket.write_all(who).is_ok() {
        echo(socket);
    }
}
