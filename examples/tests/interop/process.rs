use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A peer that runs as a process of its own and writes JSON lines. It ends with the test.
pub(crate) struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

/// How long a peer may take for anything; these machines are slow at times.
const PATIENCE: Duration = Duration::from_secs(30);

impl Process {
    /// Starts it and collects what it writes to its standard output.
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let lines = Arc::default();
        let sink: Arc<Mutex<Vec<String>>> = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                sink.lock().expect("no panic").push(line);
            }
        });
        Self { child, lines }
    }

    /// Waits for a JSON line that `wanted` accepts.
    pub(crate) async fn line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = self.lines.lock().expect("no panic").clone();
            let found = lines
                .iter()
                .filter_map(|line| serde_json::from_str(line).ok())
                .find(&wanted);
            if let Some(line) = found {
                return line;
            }
            assert!(
                Instant::now() < deadline,
                "the line never came; there were {lines:#?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it listens there.
    pub(crate) async fn listens(self, address: SocketAddr) -> Self {
        let deadline = Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect(address).await.is_err() {
            assert!(Instant::now() < deadline, "it never listened on {address}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on loopback that was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}
