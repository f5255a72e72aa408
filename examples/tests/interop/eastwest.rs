//! Our east-west gateway, as the program that people run, between Envoy and Envoy, and between Envoy and us.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use hbone::{Identity, Network, PORT};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_hbone::Connector;

use crate::application::{echo, echo_at, much, ping};
use crate::envoy::{
    ENVOY, SERVICE, binary, double, eastwest_for, hbone_values, start, terminate_at,
};
use crate::ours::{Ours, text};
use crate::pki::{Pki, id};
use crate::process::{Process, free_address};

#[tokio::test]
async fn envoys_double_hbone_passes_our_gateway_program_to_our_server() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("program-double");
    let net = Net::new();
    let ours = Ours::start_at(
        net.pod(),
        pki.server("server"),
        echo().await,
        "service.name=ours",
    )
    .await;
    let _gateway = net.gateway(&pki).await;
    let at = free_address();
    let mut values = hbone_values(&pki, at, "client");
    values.push(("SERVICE", SERVICE.into()));
    values.push(("PEER_SAN", id("server")));
    values.push(("GATEWAY_SAN", id("gateway")));
    values.push(("GW_HOST", net.at(2, PORT).ip().to_string()));
    values.push(("GW_PORT", PORT.to_string()));
    let peer = start(&envoy, &pki, "double", &values).listens(at).await;

    for _ in 0..3 {
        ping(&mut TcpStream::connect(at).await.expect("Envoy"), &much()).await;
    }
    let (who, inner) = ours.seen().pop().expect("an inner CONNECT");
    assert_eq!(who.to_string(), id("client"), "the client's own identity");
    assert_eq!(
        (text(&inner.baggage), inner.origin_network),
        (vec![ENVOY], Network::parse("net1").ok())
    );
    let outer = peer.line(|line| line["log"] == "double_outer").await;
    let told = outer["response_headers"].to_string();
    assert!(
        told.contains("service.name=gateway"),
        "the gateway tells its own baggage: {outer}"
    );
}

#[tokio::test]
async fn envoys_single_tunnel_passes_our_gateway_program_to_the_endpoint() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("program-single");
    let net = Net::new();
    // The bytes inside are no TLS, and nobody minds: an application stands on the endpoint's port.
    let application = echo().await;
    let pod = tokio::net::TcpListener::bind(net.pod())
        .await
        .expect("a free address");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = pod.accept().await {
            let mut upstream = TcpStream::connect(application)
                .await
                .expect("the application");
            tokio::spawn(
                async move { tokio::io::copy_bidirectional(&mut socket, &mut upstream).await },
            );
        }
    });
    let _gateway = net.gateway(&pki).await;
    let at = free_address();
    let mut values = hbone_values(&pki, at, "client");
    values.push(("AUTHORITY", SERVICE.into()));
    values.push(("PEER_SAN", id("gateway")));
    values.push(("HBONE_HOST", net.at(2, PORT).ip().to_string()));
    values.push(("HBONE_PORT", PORT.to_string()));
    let _peer = start(&envoy, &pki, "originate", &values).listens(at).await;
    for _ in 0..3 {
        ping(&mut TcpStream::connect(at).await.expect("Envoy"), &much()).await;
    }
}

#[tokio::test]
async fn our_double_hbone_passes_our_gateway_program_to_envoy() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("program-server");
    let net = Net::new();
    let pod = terminate_at(&envoy, &pki, net.pod(), echo().await).await;
    let _gateway = net.gateway(&pki).await;
    let connector = Connector::new(pki.client("client"));
    let mut tunnel = connector
        .connect(&double(net.at(2, PORT)))
        .await
        .expect("a tunnel");
    let peers: Vec<_> = tunnel
        .answers()
        .iter()
        .map(|answer| answer.peer.to_string())
        .collect();
    assert_eq!(peers, [id("gateway"), id("server")]);
    ping(&mut tunnel, &much()).await;
    let seen = pod.line(|line| line["log"] == "terminate").await;
    assert_eq!(
        (&seen["authority"], &seen["peer_san"]),
        (&SERVICE.into(), &id("client").into())
    );
}

#[tokio::test]
async fn our_gateway_program_leads_envoy_to_envoy() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("program-between");
    let net = Net::new();
    let pod = terminate_at(&envoy, &pki, net.pod(), echo().await).await;
    let _gateway = net.gateway(&pki).await;
    let at = free_address();
    let mut values = hbone_values(&pki, at, "client");
    values.push(("SERVICE", SERVICE.into()));
    values.push(("PEER_SAN", id("server")));
    values.push(("GATEWAY_SAN", id("gateway")));
    values.push(("GW_HOST", net.at(2, PORT).ip().to_string()));
    values.push(("GW_PORT", PORT.to_string()));
    let _client = start(&envoy, &pki, "double", &values).listens(at).await;
    for _ in 0..3 {
        ping(&mut TcpStream::connect(at).await.expect("Envoy"), &much()).await;
    }
    let seen = pod.line(|line| line["log"] == "terminate").await;
    assert_eq!(
        (&seen["authority"], &seen["peer_san"]),
        (&SERVICE.into(), &id("client").into())
    );
}

#[tokio::test]
async fn our_gateway_program_stands_behind_envoys_gateway() {
    let Some(envoy) = binary() else { return };
    let pki = Pki::new("program-behind");
    let net = Net::new();
    // What comes out of our gateway is meant for an HBONE server, but nobody minds what it is.
    echo_at(net.pod()).await;
    let _gateway = net.gateway(&pki).await;
    let ours = net.at(2, PORT);
    let (_peer, at) = eastwest_for(&envoy, &pki, SERVICE, ours, ours).await;
    let mut route = double(at);
    for hop in route.hops_mut() {
        hop.expect = Identity::parse(&id("gateway")).expect("an id").into();
    }
    let connector = Connector::new(pki.client("client"));
    for _ in 0..3 {
        let mut tunnel = connector.connect(&route).await.expect("a tunnel");
        ping(&mut tunnel, &much()).await;
    }
}

/// Loopback addresses of a test's own: a gateway dials port 15008 of its endpoints, whatever else is on this host.
struct Net([u8; 2]);

impl Net {
    fn new() -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(0);
        let pid = std::process::id();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self([128 + (pid / 32 % 64) as u8, (pid % 32) as u8 * 8 + count])
    }

    fn at(&self, last: u8, port: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::from([127, self.0[0], self.0[1], last]), port)
    }

    fn pod(&self) -> SocketAddr {
        self.at(10, PORT)
    }

    /// The program, with one endpoint.
    async fn gateway(&self, pki: &Pki) -> Process {
        let workload = |name: &str, account: &str, last: u8| {
            json!({
                "uid": name, "name": name, "namespace": "default", "serviceAccount": account, "network": "net2",
                "workloadIps": [self.at(last, 0).ip()], "protocol": "HBONE", "canonicalName": account, "workloadName": account,
            })
        };
        let mut pod = workload("pod", "server", 10);
        pod["services"] = json!(["default/echo.default.svc.cluster.local"]);
        let services = format!(
            "[{{name: echo, namespace: default, hostname: echo.default.svc.cluster.local, ports: {{8080: 80}}, subjectAltNames: ['{}']}}]",
            id("server")
        );
        let workloads = json!([workload("gateway", "gateway", 2), pod]);
        let file = |name: &str| pki.folder().join(name).display().to_string();
        std::fs::write(
            file("mesh.yaml"),
            format!("workloads: {workloads}\nservices: {services}\n"),
        )
        .expect("a file");
        let listen = |port| self.at(2, port).to_string();
        let process = Process::start(
            Command::new(env!("CARGO_BIN_EXE_eastwest-gateway"))
                .args([
                    "--mesh",
                    &file("mesh.yaml"),
                    "--workload",
                    "default/gateway",
                ])
                .args([
                    "--cert",
                    &file("gateway.pem"),
                    "--key",
                    &file("gateway.key"),
                    "--ca",
                    &file("root.pem"),
                ])
                .args([
                    "--inbound",
                    &listen(PORT),
                    "--metrics",
                    &listen(15020),
                    "--ready",
                    &listen(15021),
                ]),
        );
        process.listens(self.at(2, PORT)).await
    }
}
