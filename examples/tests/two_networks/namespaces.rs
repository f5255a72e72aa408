use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace, which is gone when this is dropped.
pub(crate) struct Namespace(String);

impl Namespace {
    /// A new one, with its loopback up.
    pub(crate) fn new(name: &str) -> Self {
        let namespace = Self(format!("hb{}{name}", std::process::id()));
        let _ = Command::new("ip")
            .args(["netns", "del", &namespace.0])
            .output();
        run(&format!("ip netns add {}", namespace.0));
        namespace.run("ip link set lo up");
        namespace
    }

    /// Runs a command in it.
    pub(crate) fn run(&self, command: &str) {
        run(&format!("ip netns exec {} {command}", self.0));
    }

    /// A program, to be started in it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, program]);
        command
    }

    /// Ties this one to another by a cable whose ends are `here` and `there`.
    pub(crate) fn link(&self, here: &str, other: &Self, there: &str) {
        run(&format!(
            "ip link add {here} netns {} type veth peer name {there} netns {}",
            self.0, other.0
        ));
        self.run(&format!("ip link set {here} up"));
        other.run(&format!("ip link set {there} up"));
    }

    /// Does something in a thread that is in it. Sockets made there stay in it.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let path = PathBuf::from("/run/netns").join(&self.0);
        let namespace = File::open(path).expect("the namespace");
        let inside = || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("the namespace can be entered");
            work()
        };
        thread::scope(|scope| match scope.spawn(inside).join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).output();
    }
}

/// Whether there can be namespaces with rules of their own here. Panics if there must.
pub(crate) fn are_possible() -> bool {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let missing = MISSING.get_or_init(missing);
    let required = std::env::var_os("HBONE_REQUIRE_PEERS").is_some_and(|value| value == "1");
    match missing {
        None => return true,
        Some(reason) if required => panic!("no network namespaces: {reason}"),
        Some(reason) => eprintln!("skipped, for there are no network namespaces: {reason}"),
    }
    false
}

fn missing() -> Option<String> {
    let name = format!("hb{}try", std::process::id());
    let steps = [
        format!("ip netns add {name}"),
        format!(
            "ip netns exec {name} iptables -t nat -A OUTPUT -p tcp -d 192.0.2.9 -j REDIRECT --to-ports 1"
        ),
    ];
    let failed = steps.iter().find_map(|step| try_to_run(step).err());
    let _ = try_to_run(&format!("ip netns del {name}"));
    failed
}

fn run(command: &str) {
    if let Err(reason) = try_to_run(command) {
        panic!("{reason}");
    }
}

fn try_to_run(command: &str) -> Result<(), String> {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    match Command::new(program).args(words).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "`{command}`: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => Err(format!("`{command}`: {error}")),
    }
}
