use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A proxy that runs, until it is dropped.
pub(crate) struct Proxy {
    child: Child,
    admin: SocketAddr,
}

/// As long as anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

impl Proxy {
    /// Starts it; its metrics are at `admin`.
    pub(crate) fn spawn(command: &mut Command, admin: SocketAddr) -> Self {
        let child = command.spawn().expect("the proxy starts");
        Self { child, admin }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process"), signal).expect("the signal is sent");
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let mut status = None;
        within("the proxy ends", || {
            status = self.child.try_wait().expect("a status");
            status.is_some()
        });
        status?.code()
    }

    /// Its samples of a metric.
    pub(crate) fn samples(&self, name: &str) -> Vec<Sample> {
        let text = get(self.admin, "/metrics").expect("an answer");
        let start = format!("{name}{{");
        let lines = text.lines().filter_map(|line| line.strip_prefix(&start));
        lines.map(Sample::read).collect()
    }

    /// Its only sample of a metric, once there is one.
    pub(crate) fn sample(&self, name: &str) -> Sample {
        within(name, || !self.samples(name).is_empty());
        let mut samples = self.samples(name);
        assert_eq!(samples.len(), 1, "{samples:#?}");
        samples.remove(0)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: u64,
}

impl Sample {
    fn read(line: &str) -> Self {
        let (labels, value) = line.rsplit_once("} ").expect("labels and a value");
        let labels = labels.trim_end_matches('"').split("\",");
        let pair = |pair: &str| {
            let (name, value) = pair.split_once("=\"").expect("a label");
            (name.to_owned(), value.to_owned())
        };
        Self {
            labels: labels.map(pair).collect(),
            value: value.parse().expect("a value"),
        }
    }

    pub(crate) fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(own, _)| own == name);
        found.map_or("(absent)", |(_, value)| value)
    }

    pub(crate) fn unknown(&self) -> Vec<&str> {
        let unknown = self.labels.iter().filter(|(_, value)| value == "unknown");
        unknown.map(|(name, _)| name.as_str()).collect()
    }
}

/// The whole answer to a GET, `None` if nobody listens.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n");
    ask(address, request.as_bytes())
}

/// What is answered to these bytes until the other end closes.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> Option<String> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket.write_all(request).ok()?;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// Waits for something to come true.
pub(crate) fn within(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(20));
    }
}
