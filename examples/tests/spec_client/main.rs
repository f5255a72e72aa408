//! A client that was written from docs/SPEC.md and the two RFCs alone, in another language, against our server, through a
//! gateway, and under the conformance suite: whoever reads the specification can speak HBONE.

#[path = "../cli_support/mod.rs"]
mod cli_support;
mod world;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

use cli_support::application::{application, echo};
use cli_support::pki::{Pki, id};
use cli_support::process::Process;
use hbone::IstioSource;
use serde_json::Value;
use world::World;

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec_client/client.py");

/// The command up to what is particular to a tunnel; nothing where there is no Python.
fn client(pki: &Pki, peer: &str) -> Option<Vec<String>> {
    if Command::new("python3").arg("--version").output().is_err() {
        let is_required = std::env::var_os("HBONE_REQUIRE_PYTHON").is_some();
        assert!(!is_required, "there is no python3");
        eprintln!("SKIPPED: there is no python3 here");
        return None;
    }
    let mut command = vec!["python3".to_owned(), "-B".to_owned(), CLIENT.to_owned()];
    command.extend(pki.flags("client"));
    command.extend(["--peer-id".to_owned(), id(peer), "--timeout=60".to_owned()]);
    Some(command)
}

/// Runs it with this on standard input, to its end.
fn run(command: &[String], more: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3");
    let (mut stdin, input) = (child.stdin.take().expect("a pipe"), input.to_vec());
    // It may not want all of it.
    let feed = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("its output");
    feed.join().expect("no panic");
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_opens_a_tunnel_through_our_server() {
    let pki = Pki::new();
    let Some(command) = client(&pki, "server") else {
        return;
    };
    let (application, _) = application(echo);
    let authority = application.to_string();
    let mut flags = ["serve", "--listen", "127.0.0.1:0", "--allow", &authority]
        .map(String::from)
        .to_vec();
    flags.extend(["--baggage", "service.name=stock"].map(String::from));
    flags.extend(pki.flags("server"));
    let (server, via) = Process::listening(flags);
    let via = via.to_string();

    let more = ["--via", &via, "--baggage", "service.name=cart", &authority];
    let question: Vec<u8> = (0..3_000_000_u32).map(|index| index as u8).collect();
    let output = run(&command, &more, &question);
    assert!(output.status.success(), "{}", said(&output));
    assert!(output.stdout == [&question, &b"<EOF>"[..]].concat());
    assert!(
        said(&output).contains("service.name=stock"),
        "{}",
        said(&output)
    );
    server.says("service.name=cart");

    let output = run(&command, &["--via", &via, "127.0.0.1:9"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("the server answered 403"),
        "{}",
        said(&output)
    );
}

#[test]
fn it_opens_a_double_tunnel_and_says_at_each_hop_what_belongs_there() {
    let pki = Pki::new();
    let Some(command) = client(&pki, "server") else {
        return;
    };
    let (application, _) = application(echo);
    let world = World::new(&pki, application);
    let gateway = id("gateway");
    let mut more = vec!["--via", &world.gateway, "--gateway-id", &gateway];
    more.extend([
        "--network",
        "west",
        "--baggage",
        "service.name=cart",
        world::AUTHORITY,
    ]);
    let question: Vec<u8> = (0..3_000_000_u32).map(|index| index as u8).collect();
    let output = run(&command, &more, &question);
    assert!(output.status.success(), "{}", said(&output));
    assert!(output.stdout == [&question, &b"<EOF>"[..]].concat());
    for told in ["'service.name=gateway'", "'service.name=server'"] {
        assert!(said(&output).contains(told), "{}", said(&output));
    }

    let (outer, inner) = world.heads();
    assert_eq!(outer.source, Some(IstioSource::Sidecar));
    assert_eq!((outer.origin_network, outer.baggage.len()), (None, 0));
    assert_eq!(inner.origin_network, "west".parse().ok());
    assert_eq!((inner.source, inner.baggage.len()), (None, 1));
    assert!(inner.traceparent.is_some() && inner.traceparent == outer.traceparent);
}

#[test]
fn it_refuses_a_gateway_and_a_server_that_it_did_not_expect() {
    let pki = Pki::new();
    let Some(command) = client(&pki, "client") else {
        return;
    };
    let (application, _) = application(echo);
    let world = World::new(&pki, application);
    for (gateway, found) in [("server", "gateway"), ("gateway", "server")] {
        let (gateway, found) = (id(gateway), id(found));
        let more = [
            "--via",
            &world.gateway,
            "--gateway-id",
            &gateway,
            world::AUTHORITY,
        ];
        let output = run(&command, &more, b"secret");
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
        assert!(
            said(&output).contains(&format!("the server is {found}")),
            "{}",
            said(&output)
        );
    }
}

#[test]
fn it_conforms() {
    let pki = Pki::new();
    let Some(command) = client(&pki, "server") else {
        return;
    };
    let exec = format!(
        "{} --via {{addr}} --baggage k8s.pod.name=c {{authority}}",
        command.join(" ")
    );
    let output = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args([
            "client",
            "--json",
            "--strict",
            "--patience",
            "20",
            "--listen",
            "127.0.0.1:0",
            "--exec",
            &exec,
        ])
        .args(pki.flags("server"))
        .args(["--ca-key", &pki.root_key()])
        .output()
        .expect("the suite runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    let cases = document["cases"].as_array().expect("cases");
    let bad = |case: &&Value| case["outcome"] == "failed" || case["outcome"] == "warned";
    let complaints: Vec<_> = cases.iter().filter(bad).collect();
    assert_eq!(complaints, Vec::<&Value>::new());
    assert!(document["passed"].as_u64() >= Some(70), "{document:#}");
    assert_eq!(output.status.code(), Some(0));
}
