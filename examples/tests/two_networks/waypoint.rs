use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use crate::namespaces::are_possible;
use crate::running::{Sample, get, within};
use crate::topology::{Running, Topology, WEB, WEB_VIP};

/// More than an inner tunnel takes, so that both servers have some.
const REQUESTS: u64 = 300;

#[test]
fn a_waypoint_names_both_parties_of_every_request_across_networks() {
    if !are_possible() {
        return;
    }
    let topology = Topology::new("w");
    let waypoint = topology.start_waypoint(&[]);
    let running = topology.start();
    let served = ask(&topology);
    assert_eq!(served.len(), 2, "{served:?}");

    let samples = topology.waypoint.inside(|| {
        within("all requests are counted", || {
            counted(&waypoint.samples(METRIC)) == REQUESTS
        });
        waypoint.samples(METRIC)
    });
    for sample in &samples {
        assert_eq!(sample.unknown(), Vec::<&str>::new(), "{sample:#?}");
        for (label, value) in [
            ("reporter", "waypoint"),
            ("source_workload", "client-v1"),
            ("source_canonical_service", "client"),
            ("source_workload_namespace", "shop"),
            (
                "source_principal",
                "spiffe://cluster.local/ns/shop/sa/client",
            ),
            ("source_cluster", "cluster-north"),
            ("destination_service", WEB),
            ("destination_workload", "server-v2"),
            ("destination_canonical_service", "server"),
            ("destination_canonical_revision", "v2"),
            ("destination_workload_namespace", "shop"),
            (
                "destination_principal",
                "spiffe://cluster.local/ns/shop/sa/server",
            ),
            ("destination_cluster", "cluster-south"),
            ("request_protocol", "http"),
            ("response_code", "200"),
            ("response_flags", "-"),
            ("connection_security_policy", "mutual_tls"),
        ] {
            assert_eq!(sample.label(label), value, "{label}");
        }
    }
    // To the servers, the waypoint is who calls.
    let callers = of_servers(&topology, &running);
    assert!(!callers.is_empty());
    for sample in &callers {
        assert_eq!(sample.label("source_workload"), "waypoint");
        assert_eq!(sample.label("destination_workload"), "server-v2");
    }
    curl(&topology);
}

#[test]
fn without_baggage_the_server_is_unknown_and_never_the_pod_of_the_same_address() {
    if !are_possible() {
        return;
    }
    let topology = Topology::new("v");
    let waypoint = topology.start_waypoint(&["--ambient-enable-baggage", "false"]);
    let _running = topology.start();
    ask(&topology);
    let samples = topology.waypoint.inside(|| {
        within("all requests are counted", || {
            counted(&waypoint.samples(METRIC)) == REQUESTS
        });
        waypoint.samples(METRIC)
    });
    for sample in &samples {
        assert_eq!(
            sample.label("source_workload"),
            "client-v1",
            "the directory has it"
        );
        assert_eq!(sample.label("destination_service"), WEB);
        for label in [
            "workload",
            "workload_namespace",
            "cluster",
            "canonical_service",
            "app",
        ] {
            assert_eq!(
                sample.label(&format!("destination_{label}")),
                "unknown",
                "{label}"
            );
        }
        assert_eq!(
            sample.label("destination_principal"),
            "spiffe://cluster.local/ns/shop/sa/server",
            "that is proved"
        );
    }
}

const METRIC: &str = "istio_requests_total";

fn counted(samples: &[Sample]) -> u64 {
    samples.iter().map(|sample| sample.value).sum()
}

/// Asks for the service as an application would that knows nothing of the mesh, and says who answered.
fn ask(topology: &Topology) -> BTreeSet<String> {
    let web: SocketAddr = format!("{WEB_VIP}:80").parse().expect("an address");
    topology.client.inside(|| {
        let answers = (0..REQUESTS).map(|_| {
            let answer = get(web, "/").expect("a connection");
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            answer.rsplit("\r\n").next().unwrap_or_default().to_owned()
        });
        answers.collect()
    })
}

fn of_servers(topology: &Topology, running: &Running) -> Vec<Sample> {
    let opened = "istio_tcp_connections_opened_total";
    let mut samples = topology.server.inside(|| running.server.samples(opened));
    samples.extend(topology.second.inside(|| running.second.samples(opened)));
    samples
}

/// The same with a client that others have written, if it is there.
fn curl(topology: &Topology) {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped, for there is no curl");
        return;
    }
    let reachable = topology
        .client
        .inside(|| TcpStream::connect((WEB_VIP, 80)).is_ok());
    assert!(reachable);
    let url = format!("http://{WEB_VIP}/[1-20]");
    let output = topology
        .client
        .command("curl")
        .args(["-sSf", &url])
        .output();
    let output = output.expect("curl runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.stdout.len(), 20 * 6, "twenty answers");
}
