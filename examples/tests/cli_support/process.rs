//! `hbone` as a process of its own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::eventually;

/// A process that is killed with the test, and what it says on standard error.
pub(crate) struct Process {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    /// Ends when all has been said.
    listening: Option<JoinHandle<()>>,
}

/// The command itself, its ends to be arranged.
pub(crate) fn hbone<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbone"));
    command.args(args);
    command
}

impl Process {
    /// Starts it with pipes at all ends.
    pub(crate) fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        Self::spawn(hbone(args).stdin(Stdio::piped()).stdout(Stdio::piped()))
    }

    /// Starts it with whatever ends it has, but for standard error.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let said = Arc::<Mutex<Vec<String>>>::default();
        let lines = Arc::clone(&said);
        let listening = thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                lines.lock().expect("no panic").push(line);
            }
        });
        Self {
            child,
            said,
            listening: Some(listening),
        }
    }

    /// Starts one that listens, and says where.
    pub(crate) fn listening<S: AsRef<OsStr>>(
        args: impl IntoIterator<Item = S>,
    ) -> (Self, SocketAddr) {
        Self::listening_as(&mut hbone(args))
    }

    /// The same with any program that says it in the same way.
    pub(crate) fn listening_as(command: &mut Command) -> (Self, SocketAddr) {
        let mut process = Self::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let mut first = String::new();
        let mut stdout = BufReader::new(process.stdout());
        stdout.read_line(&mut first).expect("its first line");
        let address = first.trim_end().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("{first:?}, {:#?}", process.said()));
        (process, address.parse().expect("an address"))
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("taken once")
    }

    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("taken once")
    }

    /// All that it has said so far.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().expect("no panic").clone()
    }

    /// Waits for a line that has this in it.
    #[track_caller]
    pub(crate) fn says(&self, part: &str) -> String {
        let mut found = None;
        let deadline = std::time::Instant::now() + super::PATIENCE;
        while found.is_none() {
            found = self.said().into_iter().find(|line| line.contains(part));
            assert!(
                std::time::Instant::now() < deadline,
                "it never said {part:?}, but {:#?}",
                self.said()
            );
            thread::sleep(std::time::Duration::from_millis(10));
        }
        found.expect("the loop's condition")
    }

    /// Waits for an event of JSON.
    #[track_caller]
    pub(crate) fn event(&self, name: &str) -> Value {
        let line = self.says(&format!("\"event\":\"{name}\""));
        serde_json::from_str(&line).expect("JSON")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a live process");
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for its end and for all that it said until then; whatever it was, it was no panic.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the end of the process", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        if let Some(listening) = self.listening.take() {
            listening.join().expect("no panic");
        }
        let said = self.said().join("\n");
        assert!(!said.contains("panicked"), "{said}");
        status.expect("the loop's condition")
    }

    /// Waits for its end, which must be with this exit code.
    #[track_caller]
    pub(crate) fn exits(&mut self, code: i32) {
        let status = self.wait();
        assert_eq!(status.code(), Some(code), "{:#?}", self.said());
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(folder).expect("a live process").count()
    }

    /// How much memory it has, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a live process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number
            .and_then(|number| number.parse().ok())
            .expect("VmRSS")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process came to that needed nothing from us.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Runs it to its end, with this on standard input.
pub(crate) fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>, input: &[u8]) -> Run {
    let mut process = Process::start(args);
    let (mut stdin, mut stdout) = (process.stdin(), process.stdout());
    let input = input.to_vec();
    let feed = thread::spawn(move || {
        // It may not want all of it.
        let _ = stdin.write_all(&input);
    });
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).expect("its output");
    let status = process.wait();
    feed.join().expect("no panic");
    Run {
        code: status.code(),
        stdout: output,
        stderr: process.said().join("\n"),
    }
}

impl Run {
    /// It must have ended with this code, and said this.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in: {}",
                self.stderr
            );
        }
    }
}
