use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::thread;

use crate::applications::{echo, serve};
use crate::running::within;
use crate::socks::{connect, exchange};
use crate::world::{MESH, World};

#[test]
fn a_connection_goes_through_a_tunnel_and_both_reporters_know_everything() {
    let world = World::new(1, MESH);
    let (client, server) = (world.start("client", 1), world.start("server", 2));
    serve(world.at(2, 8080), echo);
    let socks = world.at(1, 15080);
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n as u8).collect();

    let vip = world.at(100, 80);
    for (destination, port) in [
        (vip.ip().to_string(), 80),
        ("echo.shop.svc.cluster.local".to_owned(), 80),
        (world.at(2, 8080).ip().to_string(), 8080),
    ] {
        let socket = connect(socks, &destination, port).expect("a connection");
        assert_eq!(exchange(socket, &bytes), bytes, "{destination}");
    }

    for (proxy, reporter) in [(&client, "source"), (&server, "destination")] {
        within("all connections are closed", || {
            let closed = proxy.samples("istio_tcp_connections_closed_total");
            closed.iter().map(|sample| sample.value).sum::<u64>() == 3
        });
        let opened = proxy.samples("istio_tcp_connections_opened_total");
        // The source does not know for which service an address of a pod is; the destination guesses it.
        let complete = opened.iter().filter(|sample| sample.unknown().is_empty());
        let complete: u64 = complete.map(|sample| sample.value).sum();
        assert_eq!(
            complete,
            if reporter == "source" { 2 } else { 3 },
            "{opened:#?}"
        );
        for sample in &opened {
            let expected = [
                ("reporter", reporter),
                ("source_workload", "client-v1"),
                ("source_canonical_service", "client"),
                ("source_canonical_revision", "v1"),
                ("source_workload_namespace", "shop"),
                (
                    "source_principal",
                    "spiffe://cluster.local/ns/shop/sa/client",
                ),
                ("source_cluster", "c1"),
                ("source_region", "r1"),
                ("source_zone", "z1"),
                ("destination_workload", "server-v2"),
                ("destination_canonical_service", "server"),
                ("destination_canonical_revision", "v2"),
                ("destination_workload_namespace", "shop"),
                (
                    "destination_principal",
                    "spiffe://cluster.local/ns/shop/sa/server",
                ),
                ("destination_cluster", "c1"),
                ("destination_zone", "z2"),
                ("request_protocol", "tcp"),
                ("response_flags", "-"),
                ("connection_security_policy", "mutual_tls"),
            ];
            for (label, value) in expected {
                assert_eq!(sample.label(label), value, "{label} at {reporter}");
            }
        }
        for metric in [
            "istio_tcp_sent_bytes_total",
            "istio_tcp_received_bytes_total",
        ] {
            let bytes: u64 = proxy
                .samples(metric)
                .iter()
                .map(|sample| sample.value)
                .sum();
            assert_eq!(bytes, 3_000_000, "{metric} at {reporter}");
        }
    }

    let line = access(&world, "server");
    for field in [
        "src.workload=\"client\"",
        "src.namespace=\"shop\"",
        "src.identity=\"spiffe://cluster.local/ns/shop/sa/client\"",
        "dst.workload=\"server\"",
        "dst.identity=\"spiffe://cluster.local/ns/shop/sa/server\"",
        "dst.service=\"echo.shop.svc.cluster.local\"",
        "direction=\"inbound\"",
        "bytes_sent=1000000",
        "bytes_recv=1000000",
    ] {
        assert!(line.contains(field), "{field} in {line}");
    }
    assert!(
        line.contains(&format!("dst.addr={}", world.at(2, 15008))),
        "{line}"
    );
    assert!(
        line.contains(&format!("dst.hbone_addr={}", world.at(2, 8080))),
        "{line}"
    );
}

#[test]
fn without_response_baggage_the_directory_still_knows_both_ends() {
    let world = World::new(2, MESH);
    let off = |command: &mut std::process::Command| {
        command.env("ENABLE_RESPONSE_BAGGAGE", "false");
    };
    let client = world.start_with("client", 1, off);
    let server = world.start_with("server", 2, off);
    serve(world.at(2, 8080), echo);
    let socket = connect(world.at(1, 15080), &world.at(100, 80).ip().to_string(), 80);
    assert_eq!(exchange(socket.expect("a connection"), b"hello"), b"hello");
    for proxy in [&client, &server] {
        let sample = proxy.sample("istio_tcp_connections_opened_total");
        assert_eq!(sample.unknown(), Vec::<&str>::new());
    }
}

#[test]
fn what_is_not_in_the_mesh_is_reached_as_it_is() {
    let world = World::new(3, MESH);
    let client = world.start("client", 1);
    serve(world.at(9, 7000), echo);
    let socket = connect(world.at(1, 15080), &world.at(9, 0).ip().to_string(), 7000);
    assert_eq!(exchange(socket.expect("a connection"), b"hello"), b"hello");
    let sample = client.sample("istio_tcp_connections_opened_total");
    assert_eq!(sample.label("connection_security_policy"), "unknown");
    assert_eq!(sample.label("destination_workload"), "unknown");
    assert_eq!(sample.label("source_principal"), "unknown");
    assert_eq!(sample.label("source_workload"), "client-v1");
}

/// An application that sends back what it got once that has ended.
fn repeat(mut socket: TcpStream) {
    let mut got = Vec::new();
    let _ = socket.read_to_end(&mut got);
    let _ = socket.write_all(&got);
}

#[test]
fn an_applications_tunnel_is_at_the_loopback_address() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            repeat(socket);
        }
    });
    let tunnel = format!("  applicationTunnel: {{protocol: PROXY, port: {port}}}\n  services:");
    let world = World::new(6, &MESH.replace("  services:", &tunnel));
    let (_client, _server) = (world.start("client", 1), world.start("server", 2));
    let socket = connect(world.at(1, 15080), &world.at(100, 80).ip().to_string(), 80);
    let got = exchange(socket.expect("a connection"), b"hello");
    assert!(got.starts_with(b"\r\n\r\n\0\r\nQUIT\n"), "{got:?}");
    assert!(got.ends_with(b"hello"), "{got:?}");
}

#[test]
fn an_applications_tunnel_is_told_where_a_connection_was_going_and_from_whom() {
    let tunnel = "  applicationTunnel: {protocol: PROXY, port: 9000}\n  services:";
    let world = World::new(4, &MESH.replace("  services:", tunnel));
    let _client = world.start("client", 1);
    let _server = world.start_with("server", 2, |command| {
        command.env("LOCALHOST_APP_TUNNEL", "false");
    });
    serve(world.at(2, 9000), repeat);
    let socket = connect(world.at(1, 15080), &world.at(100, 80).ip().to_string(), 80);
    let got = exchange(socket.expect("a connection"), b"hello");
    let identity = b"spiffe://cluster.local/ns/shop/sa/client";
    assert_eq!(&got[..14], b"\r\n\r\n\0\r\nQUIT\n\x21\x11");
    let length = usize::from(u16::from_be_bytes([got[14], got[15]]));
    assert_eq!(length, 12 + 3 + identity.len());
    let destination = world.at(2, 8080);
    let address = match destination.ip() {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => panic!("{address}"),
    };
    assert_eq!(got[20..24], address);
    assert_eq!(got[26..28], destination.port().to_be_bytes());
    assert_eq!(got[28], 0xd0);
    assert_eq!(&got[31..16 + length], identity);
    assert_eq!(&got[16 + length..], b"hello");
}

#[test]
fn a_services_waypoint_is_passed_and_told_what_was_asked_for() {
    let waypoint = "  waypoint: {destination: north/NET.3, hboneMtlsPort: 15008}\n";
    let workload = "\
workloads:
- uid: c1//Pod/shop/waypoint
  name: waypoint
  namespace: shop
  serviceAccount: waypoint
  workloadIps: [NET.3]
  network: north
  protocol: HBONE
  workloadName: waypoint
";
    let mesh = MESH.replace("workloads:\n", workload);
    let world = World::new(5, &format!("{mesh}{waypoint}"));
    let client = world.start("client", 1);
    let _waypoint = world.start("waypoint", 3);
    serve(world.at(3, 80), echo);
    let socket = connect(world.at(1, 15080), &world.at(100, 80).ip().to_string(), 80);
    assert_eq!(exchange(socket.expect("a connection"), b"hello"), b"hello");
    let line = access(&world, "waypoint");
    let asked = format!("dst.hbone_addr={}", world.at(100, 80));
    assert!(line.contains(&asked), "{asked} in {line}");
    let sample = client.sample("istio_tcp_connections_opened_total");
    assert_eq!(sample.label("destination_workload"), "waypoint");
}

/// The line of the access log of an account's proxy, once there is one.
fn access(world: &World, account: &str) -> String {
    let mut line = None;
    within("a line of the access log", || {
        let log = world.log(account);
        line = log
            .lines()
            .find(|line| line.contains("connection complete"))
            .map(str::to_owned);
        line.is_some()
    });
    line.expect("a line")
}
