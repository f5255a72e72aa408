//! Our own programs under the conformance suite, as processes.

mod broken;
mod broken_clients;
mod broken_gateways;
mod broken_servers;
mod handshake;
mod middle;
mod pki;

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::pki::Pki;

const SUITE: &str = env!("CARGO_BIN_EXE_conformance");
const HBONE: &str = env!("CARGO_BIN_EXE_hbone");

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port on loopback that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Runs the suite, and gives its exit code and its document.
fn suite(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(SUITE)
        .args(arguments)
        .args(["--json", "--strict"])
        .output()
        .expect("the suite runs");
    let told = String::from_utf8_lossy(&output.stderr);
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: no document, but {told}"));
    (output.status.code(), document)
}

/// The cases that did not pass, whether they failed or warned.
fn complaints(document: &Value) -> Vec<&Value> {
    let cases = document["cases"].as_array().expect("cases");
    let bad = |case: &&Value| case["outcome"] == "failed" || case["outcome"] == "warned";
    cases.iter().filter(bad).collect()
}

fn serve(pki: &Pki, listen: u16, application: u16) -> Running {
    let child = Command::new(HBONE)
        .args(["serve", "--listen", &format!("127.0.0.1:{listen}")])
        .args(pki.arguments("server"))
        .args(["--allow", &format!("127.0.0.1/32:{application}")])
        .args(["--allow", "127.0.0.1/32:9"])
        .args(["--baggage", "k8s.pod.name=ours,service.name=ours"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("hbone serve");
    let running = Running(child);
    for _ in 0..300 {
        if std::net::TcpStream::connect(("127.0.0.1", listen)).is_ok() {
            return running;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("hbone serve never listened");
}

#[test]
fn our_server_conforms() {
    let pki = Pki::new("server");
    let (listen, application) = (free_port(), free_port());
    let _serve = serve(&pki, listen, application);
    let (target, at) = (
        format!("127.0.0.1:{listen}"),
        format!("127.0.0.1:{application}"),
    );
    let mut arguments = vec!["server", "--target", &target, "--authority", &at];
    arguments.extend([
        "--application",
        &at,
        "--dead",
        "127.0.0.1:9",
        "--denied",
        "10.0.0.1:80",
    ]);
    let files = pki.with_root_key("client");
    arguments.extend(files.iter().map(String::as_str));
    let (code, document) = suite(&arguments);
    assert_eq!(complaints(&document), Vec::<&Value>::new());
    assert!(document["passed"].as_u64() >= Some(200), "{document:#}");
    assert_eq!(code, Some(0));
}

#[test]
fn our_client_conforms() {
    let pki = Pki::new("client");
    let listen = format!("127.0.0.1:{}", free_port());
    let exec = format!(
        "{HBONE} connect --via {{addr}} {} --peer-id {} --baggage k8s.pod.name=c {{authority}}",
        pki.arguments("client").join(" "),
        pki::id("server")
    );
    let mut arguments = vec!["client", "--listen", &listen, "--exec", &exec];
    let files = pki.with_root_key("server");
    arguments.extend(files.iter().map(String::as_str));
    let (code, document) = suite(&arguments);
    assert_eq!(complaints(&document), Vec::<&Value>::new());
    assert!(document["passed"].as_u64() >= Some(70), "{document:#}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_server_that_is_not_there_is_no_failure_of_a_case() {
    let pki = Pki::new("absent");
    let target = format!("127.0.0.1:{}", free_port());
    let output = Command::new(SUITE)
        .args(["server", "--target", &target, "--authority", "10.0.0.1:80"])
        .args(pki.arguments("client"))
        .output()
        .expect("the suite runs");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains(&target) && told.contains("check --target"),
        "{told}"
    );
}

#[test]
fn a_document_that_cannot_be_written_is_told_and_one_that_nobody_reads_is_no_failure() {
    let pki = Pki::new("unread");
    let (listen, application) = (free_port(), free_port());
    let _serve = serve(&pki, listen, application);
    let target = format!("127.0.0.1:{listen}");
    let at = format!("127.0.0.1:{application}");
    let run = |stdout: Stdio, more: &[&str]| {
        let output = Command::new(SUITE)
            .args(["server", "--target", &target, "--authority", &at])
            .args(["--application", &at, "--only", "HBONE-S-005"])
            .args(pki.arguments("client"))
            .args(more)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(Child::wait_with_output)
            .expect("the suite runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), told)
    };
    for format in ["--json", "--junit"] {
        let full = File::options().write(true).open("/dev/full");
        let (code, told) = run(full.expect("/dev/full").into(), &[format]);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains("cannot write to standard output"), "{told}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        assert_eq!(run(writer.into(), &[format]), (Some(0), String::new()));
    }
    let (code, told) = run(Stdio::null(), &["--only", "99"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("--only 99 names no case; give"), "{told}");
}

#[test]
fn a_client_that_cannot_start_is_no_failure_of_a_case_and_its_words_are_told() {
    let pki = Pki::new("unstarted");
    let run = |more: &[&str]| {
        let output = Command::new(SUITE)
            .args(["client", "--listen", "127.0.0.1:0", "--patience", "1"])
            .args(pki.arguments("server"))
            .args(more)
            .output()
            .expect("the suite runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), told)
    };
    let (code, told) = run(&["--exec", "echo 'no such thing' >&2; sleep 600"]);
    assert_eq!(code, Some(2));
    assert!(
        told.contains("no such thing") && told.contains("check --exec"),
        "{told}"
    );
}

#[test]
fn a_number_of_threads_that_is_none_is_told() {
    for value in ["0", "many", ""] {
        let output = Command::new(SUITE)
            .args(["server", "--target", "127.0.0.1:1"])
            .args(["--authority", "10.0.0.1:80"])
            .args(["--cert", "absent.pem", "--key", "absent.key"])
            .args(["--ca", "absent.pem"])
            .env("TOKIO_WORKER_THREADS", value)
            .output()
            .expect("the suite runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        let expected = format!("conformance: TOKIO_WORKER_THREADS is {value:?}");
        assert!(told.starts_with(&expected), "{told}");
    }
}
