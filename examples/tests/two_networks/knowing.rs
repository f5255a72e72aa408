use std::collections::BTreeMap;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};

use crate::namespaces::are_possible;
use crate::running::{Proxy, Sample, get, within};
use crate::socks::{connect, exchange};
use crate::topology::{NAME, Topology, VIP, socks};

/// For each way into the client's proxy, at least.
const EACH: u64 = 20;
/// An inner connection keeps to one server and when the next one is made is up to chance: as often as this it is made for sure.
const AT_MOST: u64 = 100 * EACH;

#[test]
fn both_reporters_know_everything_about_every_connection() {
    if !are_possible() {
        return;
    }
    let topology = Topology::new("k");
    let running = topology.start();
    let mut served = BTreeMap::new();
    let mut rounds = 0;
    topology.client.inside(|| {
        while rounds < EACH || (served.len() < 2 && rounds < AT_MOST) {
            rounds += 1;
            let by_name = connect(socks(), NAME, 80).expect("by name");
            let by_address = connect(socks(), VIP, 80).expect("by address");
            let redirected = TcpStream::connect((VIP, 80)).expect("redirected");
            for socket in [by_name, by_address, redirected] {
                let answer = exchange(socket, SAID);
                let (who, echo) = answer.split_at(WHO);
                assert_eq!(echo, SAID);
                *served.entry(who.to_vec()).or_insert(0) += 1;
            }
        }
    });
    let all = 3 * rounds;
    assert_eq!(served.values().sum::<u64>(), all);
    assert_eq!(served.len(), 2, "each server has some: {served:?}");

    let samples = topology.client.inside(|| closed(&running.client, all));
    check(&samples, "source", all);
    topology
        .client
        .inside(|| check_bytes(&running.client, "source", all));
    let mut of_servers = Vec::new();
    for (namespace, proxy, who) in [
        (&topology.server, &running.server, b"server"),
        (&topology.second, &running.second, b"second"),
    ] {
        let count = served[&who[..]];
        of_servers.extend(namespace.inside(|| closed(proxy, count)));
        namespace.inside(|| check_bytes(proxy, "destination", count));
    }
    check(&of_servers, "destination", all);

    // Whoever comes on purpose to where redirected connections arrive is sent away, and the log tells what to do.
    topology.client.inside(|| {
        let mut lost = TcpStream::connect("127.0.0.1:15001").expect("it listens");
        assert!(!matches!(lost.read(&mut [0]), Ok(1..)));
    });
    within("it is told", || {
        topology
            .log("client")
            .contains("not redirected by iptables")
    });

    // The gateway knows whom it let in and whom it chose, and none of the tunnels inside.
    let samples = topology.gateway.inside(|| {
        running
            .gateway
            .samples("istio_tcp_connections_opened_total")
    });
    assert!(!samples.is_empty());
    for sample in &samples {
        assert_eq!(sample.label("reporter"), "source");
        assert_eq!(sample.label("destination_workload"), "server-v2");
    }
    // It counts what it carries, which is more than what is inside.
    for (metric, least) in [
        ("istio_tcp_received_bytes_total", all * 5),
        ("istio_tcp_sent_bytes_total", all * 11),
    ] {
        let carried = topology.gateway.inside(|| {
            let samples = running.gateway.samples(metric);
            samples.iter().map(|sample| sample.value).sum::<u64>()
        });
        assert!(carried > least, "{metric}: {carried}");
    }

    let log = topology.log("client");
    assert!(!log.contains("decoy"), "{log}");
    let line = log
        .lines()
        .find(|line| line.contains("connection complete"));
    let line = line.expect("a line");
    for field in [
        "dst.addr=192.0.2.2:15008",
        "dst.hbone_addr=echo.shop.svc.cluster.local:80",
        "dst.workload=\"server-v2\"",
        "dst.identity=\"spiffe://cluster.local/ns/shop/sa/server\"",
    ] {
        assert!(line.contains(field), "{field} in {line}");
    }
}

#[test]
fn a_plain_connection_that_was_redirected_is_served_and_nobody_is_proved() {
    if !are_possible() {
        return;
    }
    let topology = Topology::new("p");
    let running = topology.start();
    let answer = topology.gateway.inside(|| {
        let ready: SocketAddr = "10.1.0.5:15021".parse().expect("an address");
        let ready = get(ready, "/healthz/ready").expect("an answer");
        assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
        let socket = TcpStream::connect("10.1.0.5:8080").expect("a connection");
        exchange(socket, b"hello")
    });
    assert_eq!(answer, b"serverhello");
    let sample = topology
        .server
        .inside(|| running.server.sample("istio_tcp_connections_opened_total"));
    assert_eq!(sample.label("connection_security_policy"), "unknown");
    assert_eq!(sample.label("source_principal"), "unknown");
    assert_eq!(sample.label("source_workload"), "gateway");
    assert_eq!(sample.label("destination_workload"), "server-v2");
}

/// What is said on each connection, which comes back behind as many bytes that tell who answers.
const SAID: &[u8] = b"hello";
const WHO: usize = 6;

/// Every byte of so many connections has been counted, in the series of those that were there at both ends.
fn check_bytes(proxy: &Proxy, reporter: &str, connections: u64) {
    // As Istio has it, what the client has sent was received, and what it was answered was sent.
    for (metric, each) in [
        ("istio_tcp_received_bytes_total", SAID.len()),
        ("istio_tcp_sent_bytes_total", WHO + SAID.len()),
    ] {
        let samples = proxy.samples(metric);
        let bytes: u64 = samples.iter().map(|sample| sample.value).sum();
        assert_eq!(bytes, connections * each as u64, "{metric} at {reporter}");
        check(&samples, reporter, bytes);
    }
}

/// The series of a proxy, once it has closed so many connections.
fn closed(proxy: &Proxy, count: u64) -> Vec<Sample> {
    let sum = |metric| -> u64 {
        let samples = proxy.samples(metric);
        samples.iter().map(|sample| sample.value).sum()
    };
    within("all connections are closed", || {
        sum("istio_tcp_connections_closed_total") == count
    });
    proxy.samples("istio_tcp_connections_opened_total")
}

fn check(samples: &[Sample], reporter: &str, all: u64) {
    assert_eq!(samples.iter().map(|sample| sample.value).sum::<u64>(), all);
    for sample in samples {
        assert_eq!(sample.unknown(), Vec::<&str>::new(), "{sample:#?}");
        assert_eq!(sample.labels.len(), 27);
        for (label, value) in [
            ("reporter", reporter),
            ("source_workload", "client-v1"),
            ("source_canonical_service", "client"),
            ("source_canonical_revision", "v1"),
            ("source_workload_namespace", "shop"),
            (
                "source_principal",
                "spiffe://cluster.local/ns/shop/sa/client",
            ),
            ("source_cluster", "cluster-north"),
            ("source_region", "r1"),
            ("source_zone", "z1"),
            ("destination_service", NAME),
            ("destination_service_name", "echo"),
            ("destination_service_namespace", "shop"),
            ("destination_workload", "server-v2"),
            ("destination_canonical_service", "server"),
            ("destination_canonical_revision", "v2"),
            ("destination_workload_namespace", "shop"),
            (
                "destination_principal",
                "spiffe://cluster.local/ns/shop/sa/server",
            ),
            ("destination_cluster", "cluster-south"),
            ("destination_region", "r2"),
            ("destination_zone", "z2"),
            ("request_protocol", "tcp"),
            ("response_flags", "-"),
            ("connection_security_policy", "mutual_tls"),
        ] {
            assert_eq!(sample.label(label), value, "{label} at {reporter}");
        }
    }
}
