//! This very test program, started again for one test, and what a process holds.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// Set in a process that was started by a test.
const CHILD: &str = "HBONE_TEST_CHILD";

/// Whether this process was started by a test, and not by somebody who runs all tests, the ignored ones too.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// This program with only the ignored test `name`, behind the words of `prefix`.
pub(crate) fn again(prefix: &[&str], name: &str) -> Command {
    let program = std::env::current_exe().expect("a path");
    let mut words = prefix.iter().map(|word| (*word).to_owned());
    let mut command = match words.next() {
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
        None => Command::new(program),
    };
    command
        .args(["--exact", "--ignored", "--nocapture", name])
        .env(CHILD, "1");
    command
}

/// Runs the ignored test `name` in a process of its own, which must succeed.
#[track_caller]
pub(crate) fn run_again(prefix: &[&str], name: &str) {
    let output = again(prefix, name)
        .stdin(Stdio::null())
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{name} failed in its own process:\n{said}\n{complained}"
    );
}

/// Whether we may have network namespaces; where not, says so.
pub(crate) fn may_unshare(test: &str) -> bool {
    let may = Command::new("unshare").args(["-n", "true"]).output();
    let may = may.is_ok_and(|output| output.status.success());
    if !may {
        println!("skipped: {test}: no right to a network namespace (run as root)");
    }
    may
}

/// A shell's prefix that sets a limit.
pub(crate) fn limited(limit: &str) -> [String; 3] {
    let script = format!("{limit} && exec \"$0\" \"$@\"");
    ["sh".to_owned(), "-c".to_owned(), script]
}

/// Runs a program that must succeed.
#[track_caller]
pub(crate) fn must(words: &str) {
    let mut parts = words.split_whitespace();
    let program = parts.next().expect("a program");
    let output = Command::new(program).args(parts).output();
    let output = output.unwrap_or_else(|error| panic!("{words}: {error}"));
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}: {complained}");
}

/// Where nobody else of this machine listens: a port alone may be that of another test's connections, too.
pub(crate) fn own_loopback() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high | 0x80, low, NEXT.fetch_add(1, Ordering::SeqCst))
}

/// How many descriptors any process of this namespace holds of connections with `address` at either end.
pub(crate) fn held(address: SocketAddr) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("a /proc");
    let IpAddr::V4(ip) = address.ip() else {
        panic!("{address} is in another table");
    };
    // The table has an address as the kernel holds it, a number in network order that is printed as one of this machine's.
    let ip = u32::from_ne_bytes(ip.octets());
    let end = format!("{ip:08X}:{:04X}", address.port());
    let mut held = 0;
    for line in table.lines().skip(1) {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, local, remote, state, ..] = fields[..] else {
            continue;
        };
        let ours = local == end || remote == end;
        // A socket without an inode has no descriptor any more, and a listener is no connection.
        held += usize::from(ours && state != "0A" && fields.get(9) != Some(&"0"));
    }
    held
}

/// Resident memory of a process, in KiB.
pub(crate) fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = resident.and_then(|rest| rest.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// Waits until it is so, without hurry.
#[track_caller]
pub(crate) fn until(what: &'static str, so: impl Fn() -> bool) -> impl Future<Output = Duration> {
    let caller = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        while !so() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "never: {what}, at {caller}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        began.elapsed()
    }
}
