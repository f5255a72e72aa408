//! Our node proxy, as the program that people run, with Envoy as client, as server, and as gateway between two of them.

use std::net::SocketAddr;
use std::process::Command;

use hbone::PORT;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::application::{echo, echo_at, much, ping};
use crate::envoy::{ENVOY, SERVICE, binary, hbone_values, start, terminate_at};
use crate::pki::{Pki, id};
use crate::process::{Process, free_address};

#[tokio::test]
async fn envoy_reaches_the_workload_of_our_node_proxy() {
    let Some(envoy) = binary() else { return };
    let (pki, net) = (Pki::new("node-proxy-server"), Net(1));
    echo_at(net.at(2, 8080)).await;
    let _server = net.proxy(&pki, "server", 2).await;
    let at = free_address();
    let mut values = hbone_values(&pki, at, "client");
    values.push(("AUTHORITY", net.at(2, 8080).to_string()));
    values.push(("PEER_SAN", id("server")));
    values.push(("HBONE_HOST", net.at(2, PORT).ip().to_string()));
    values.push(("HBONE_PORT", PORT.to_string()));
    let peer = start(&envoy, &pki, "originate", &values).listens(at).await;
    for _ in 0..3 {
        ping(&mut TcpStream::connect(at).await.expect("Envoy"), &much()).await;
    }

    let seen = peer.line(|line| line["log"] == "originate").await;
    let told = seen["response_headers"].to_string();
    assert!(told.contains("k8s.deployment.name=server"), "{seen}");
    let metrics = net.metrics(2).await;
    let line = opened(&metrics);
    for label in [
        "reporter=\"destination\"",
        "source_workload=\"envoy\"",
        "source_canonical_service=\"envoy\"",
        "source_principal=\"spiffe://cluster.local/ns/default/sa/client\"",
        "destination_workload=\"server\"",
        "connection_security_policy=\"mutual_tls\"",
    ] {
        assert!(
            line.contains(label),
            "{label} in {line}; Envoy told {ENVOY}"
        );
    }
}

#[tokio::test]
async fn the_workload_of_our_node_proxy_reaches_envoy() {
    let Some(envoy) = binary() else { return };
    let (pki, net) = (Pki::new("node-proxy-client"), Net(2));
    let peer = terminate_at(&envoy, &pki, net.at(2, PORT), echo().await).await;
    let _client = net.proxy(&pki, "client", 1).await;
    for _ in 0..3 {
        let mut socket = net.socks(net.at(2, 8080)).await;
        ping(&mut socket, &much()).await;
    }
    let seen = peer.line(|line| line["log"] == "terminate").await;
    assert_eq!(seen["authority"], net.at(2, 8080).to_string());
    assert_eq!(seen["peer_san"], id("client"));
    let forwarded = seen["forwarded"].to_string();
    assert!(forwarded.contains("for="), "{seen}");
    let metrics = net.metrics(1).await;
    let line = opened(&metrics);
    assert!(line.contains("destination_workload=\"server\""), "{line}");
    assert!(line.contains("destination_principal=\"spiffe://cluster.local/ns/default/sa/server\""));
}

#[tokio::test]
async fn two_of_our_node_proxies_meet_through_envoy() {
    let Some(envoy) = binary() else { return };
    let (pki, net) = (Pki::new("node-proxy-gateway"), Net(3));
    echo_at(net.at(4, 8080)).await;
    let _server = net.proxy(&pki, "far", 4).await;
    let _client = net.proxy(&pki, "client", 1).await;
    let gateway = net.at(3, PORT);
    let mut values = hbone_values(&pki, gateway, "gateway");
    values.push(("SERVICE", SERVICE.to_owned()));
    for (host, port) in [("EP1_HOST", "EP1_PORT"), ("EP2_HOST", "EP2_PORT")] {
        values.push((host, net.at(4, PORT).ip().to_string()));
        values.push((port, PORT.to_string()));
    }
    let peer = start(&envoy, &pki, "eastwest", &values)
        .listens(gateway)
        .await;
    for _ in 0..3 {
        let mut socket = net.socks(net.at(100, 8080)).await;
        ping(&mut socket, &much()).await;
    }
    drop(peer);
    for (host, reporter) in [(1, "source"), (4, "destination")] {
        let metrics = net.metrics(host).await;
        let line = opened(&metrics);
        assert!(
            line.contains(reporter) && !line.contains("unknown"),
            "{line}"
        );
        assert!(line.contains("destination_workload=\"far\""), "{line}");
        assert!(line.contains("source_workload=\"client\""), "{line}");
    }
}

/// Loopback addresses of a test's own: a client at .1 and a server at .2 in one network, a gateway at .3 and a server at .4 in
/// another, and the service of the latter at .100.
struct Net(u8);

const MESH: &str = "\
workloads:
- {uid: client, name: client, namespace: default, serviceAccount: client, network: net1, workloadIps: [NET.1],
   protocol: HBONE, canonicalName: client, canonicalRevision: v1, clusterId: c1, locality: {region: r, zone: z}}
- {uid: server, name: server, namespace: default, serviceAccount: server, network: net1, workloadIps: [NET.2],
   protocol: HBONE, canonicalName: server, canonicalRevision: v1, clusterId: c1, locality: {region: r, zone: z}}
- {uid: gateway, name: gateway, namespace: default, serviceAccount: gateway, network: net2, workloadIps: [NET.3],
   protocol: HBONE}
- {uid: far, name: far, namespace: default, serviceAccount: server, network: net2, workloadIps: [NET.4],
   protocol: HBONE, canonicalName: far, canonicalRevision: v1, clusterId: c2, locality: {region: r, zone: z},
   networkGateway: {destination: net2/NET.3, hboneMtlsPort: 15008},
   services: {default/echo.default.svc.cluster.local: {8080: 8080}}}
services:
- {name: echo, namespace: default, hostname: echo.default.svc.cluster.local, vips: [net1/NET.100], ports: {8080: 8080},
   subjectAltNames: ['spiffe://cluster.local/ns/default/sa/server']}
";

impl Net {
    /// Another run of these tests at the same time has another.
    fn second() -> u8 {
        192 + (std::process::id() % 56) as u8
    }

    fn at(&self, last: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([127, Self::second(), self.0, last], port))
    }

    /// The program, for a workload of the mesh at a host of the network.
    async fn proxy(&self, pki: &Pki, name: &str, last: u8) -> Process {
        let file = |name: String| pki.folder().join(name).display().to_string();
        let mesh = file("mesh.yaml".to_owned());
        let net = format!("127.{}.{}", Self::second(), self.0);
        std::fs::write(&mesh, MESH.replace("NET", &net)).expect("a file");
        let account = if name == "client" { "client" } else { "server" };
        let at = |port| self.at(last, port).to_string();
        let process = Process::start(
            Command::new(env!("CARGO_BIN_EXE_node-proxy"))
                .args(["--mesh", &mesh, "--workload", &format!("default/{name}")])
                .args(["--cert", &file(format!("{account}.pem"))])
                .args(["--key", &file(format!("{account}.key"))])
                .args(["--ca", &file("root.pem".to_owned())])
                .args(["--inbound", &at(PORT), "--socks5", &at(15080)])
                .args(["--metrics", &at(15020), "--ready", &at(15021)])
                .args(["--outbound", "off", "--plaintext", "off"]),
        );
        process.listens(self.at(last, PORT)).await
    }

    /// A connection of the client's workload, by SOCKS5.
    async fn socks(&self, to: SocketAddr) -> TcpStream {
        let mut socket = TcpStream::connect(self.at(1, 15080)).await.expect("SOCKS5");
        let SocketAddr::V4(to) = to else {
            panic!("{to}")
        };
        let mut request = vec![5, 1, 0, 5, 1, 0, 1];
        request.extend(to.ip().octets());
        request.extend(to.port().to_be_bytes());
        socket.write_all(&request).await.expect("it is taken");
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(answer[..4], [5, 0, 5, 0], "success");
        socket
    }

    async fn metrics(&self, last: u8) -> String {
        let mut socket = TcpStream::connect(self.at(last, 15020))
            .await
            .expect("metrics");
        let request = b"GET /metrics HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n";
        socket.write_all(request).await.expect("it is taken");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        answer
    }
}

/// The only series of connections opened.
fn opened(metrics: &str) -> &str {
    let name = "istio_tcp_connections_opened_total{";
    let mut lines = metrics.lines().filter(|line| line.starts_with(name));
    let line = lines.next().expect("a connection");
    assert_eq!(lines.next(), None, "one series");
    line
}
