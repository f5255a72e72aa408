//! Node proxies of two networks, and the gateway between them: every process a program that people run.

use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, Instant, sleep};

use crate::process::{PATIENCE, Process};
use crate::world::{World, id};

const CLIENT: u8 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_crosses_networks_and_nobody_is_unknown_to_either_end() {
    let world = World::new();
    world.write_leaf("client");
    let gateway = world.start(&mesh(&world), &[]).await;
    let _pods = (pod(&world, 10).await, pod(&world, 11).await);
    let _client = node_proxy(&world, "client", "client", CLIENT).await;
    for _ in 0..10 {
        assert!(there_and_back(&world).await);
    }
    // An inner connection is reused, so that either pod may have served all of it.
    let pods = get(&world, 10).await + &get(&world, 11).await;
    let client = get(&world, CLIENT).await;
    for (metrics, reporter, peer) in [
        (client, "source", "destination_workload=\"echo\""),
        (pods, "destination", "source_workload=\"web\""),
    ] {
        let name = "istio_tcp_connections_opened_total{";
        let opened: Vec<_> = metrics
            .lines()
            .filter(|line| line.starts_with(name))
            .collect();
        assert!(!opened.is_empty(), "{metrics}");
        for part in [
            &format!("reporter=\"{reporter}\""),
            peer,
            "source_cluster=\"c-east\"",
            "destination_cluster=\"c-west\"",
            &format!("source_principal=\"{}\"", id("client")),
            &format!("destination_principal=\"{}\"", id("echo")),
            "destination_service_name=\"echo\"",
            "connection_security_policy=\"mutual_tls\"",
        ] {
            assert!(opened[0].contains(part), "{part} in {}", opened[0]);
        }
        assert!(!opened[0].contains("unknown"), "{}", opened[0]);
    }

    // The gateway dies, and comes back; nobody else has to.
    gateway.signal(Signal::KILL);
    drop(gateway);
    assert!(!there_and_back(&world).await);
    let _again = world.restart(&[]).await;
    let deadline = Instant::now() + PATIENCE;
    while !there_and_back(&world).await {
        assert!(Instant::now() < deadline, "it never recovered");
        sleep(Duration::from_millis(100)).await;
    }
}

/// One file for all three: the client's network, and the endpoints' behind its gateway.
fn mesh(world: &World) -> Value {
    let mut mesh = world.mesh(&[(10, 1, true), (11, 1, true)]);
    let workloads = mesh["workloads"].as_array_mut().expect("a list");
    for pod in workloads.iter_mut().skip(1) {
        pod["networkGateway"] =
            json!({"destination": format!("west/{}", world.ip(2)), "hboneMtlsPort": hbone::PORT});
        pod["locality"] = json!({"region": "r2", "zone": "z2"});
    }
    workloads.push(json!({
        "uid": "client", "name": "client", "namespace": "shop", "serviceAccount": "client", "network": "east",
        "workloadIps": [world.ip(CLIENT)], "protocol": "HBONE", "clusterId": "c-east", "workloadName": "web",
        "workloadType": "deployment", "canonicalName": "web", "canonicalRevision": "v3",
        "locality": {"region": "r1", "zone": "z1"},
    }));
    mesh["services"][0]["subjectAltNames"] = json!([id("echo")]);
    mesh
}

/// An application that sends everything back, and the node proxy in front of it.
async fn pod(world: &World, last: u8) -> Process {
    let application = TcpListener::bind((world.ip(last), 8080))
        .await
        .expect("a free address");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = application.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = socket.split();
                let _ = copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    node_proxy(world, &format!("echo-{last}"), "echo", last).await
}

async fn node_proxy(world: &World, workload: &str, account: &str, last: u8) -> Process {
    let at = |port: u16| format!("{}:{port}", world.ip(last));
    let process = Process::start(
        Command::new(env!("CARGO_BIN_EXE_node-proxy"))
            .args([
                "--mesh",
                &world.file("mesh.yaml"),
                "--workload",
                &format!("shop/{workload}"),
            ])
            .args([
                "--cert",
                &world.file(&format!("{account}.pem")),
                "--key",
                &world.file(&format!("{account}.key")),
            ])
            .args([
                "--ca",
                &world.file("root.pem"),
                "--inbound",
                &at(hbone::PORT),
                "--socks5",
                &at(15080),
            ])
            .args([
                "--metrics",
                &at(15020),
                "--ready",
                &at(15021),
                "--plaintext",
                "off",
                "--outbound",
                "off",
            ]),
    );
    process.wait_for(&["runtime: ready"], 1).await;
    process
}

/// Asks the client's node proxy for the service by SOCKS5; whether all that was sent came back.
async fn there_and_back(world: &World) -> bool {
    let mut socket = TcpStream::connect((world.ip(CLIENT), 15080))
        .await
        .expect("SOCKS5");
    let name = b"echo.shop.svc.cluster.local";
    let request = [
        &[5, 1, 0, 5, 1, 0, 3, name.len() as u8][..],
        name,
        &80_u16.to_be_bytes(),
    ]
    .concat();
    socket.write_all(&request).await.expect("a request");
    let mut answer = [0; 12];
    if socket.read_exact(&mut answer).await.is_err() || answer[..4] != [5, 0, 5, 0] {
        return false;
    }
    let mut back = Vec::new();
    let carried = async {
        socket.write_all(&[9; 100_000]).await?;
        socket.shutdown().await?;
        socket.read_to_end(&mut back).await
    };
    if carried.await.is_err() {
        return false;
    }
    // What ends without an error is whole.
    assert!(back == [9; 100_000], "{} of 100000 bytes", back.len());
    true
}

async fn get(world: &World, last: u8) -> String {
    let mut socket = TcpStream::connect((world.ip(last), 15020))
        .await
        .expect("it listens");
    let request = b"GET /metrics HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n";
    socket.write_all(request).await.expect("a request");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    answer
}
