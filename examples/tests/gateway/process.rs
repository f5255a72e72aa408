use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

/// A program under test. It ends with the test.
pub(crate) struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

/// How long anything may take; these machines are slow at times.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

impl Process {
    /// Starts it and collects what it writes, to its standard output and its standard error.
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program is there");
        let lines = Arc::default();
        collect(child.stdout.take().expect("a pipe"), &lines);
        collect(child.stderr.take().expect("a pipe"), &lines);
        Self { child, lines }
    }

    /// All lines so far that have all of these parts.
    pub(crate) fn lines(&self, parts: &[&str]) -> Vec<String> {
        let lines = self.lines.lock().expect("no panic");
        let has_all = |line: &&String| parts.iter().all(|part| line.contains(part));
        lines.iter().filter(has_all).cloned().collect()
    }

    /// Waits for so many lines that have all of these parts.
    pub(crate) async fn wait_for(&self, parts: &[&str], count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.lines(parts);
            if found.len() >= count {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "{parts:?} never came; there were {:#?}",
                self.lines(&[])
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("it runs");
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < deadline, "it never ended");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{:#?}", self.lines.lock().map(|lines| lines.clone()));
        }
    }
}

fn collect(stream: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lines.lock().expect("no panic").push(line);
        }
    });
}
