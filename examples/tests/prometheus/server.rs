use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::demo::CONFIGURATION;

/// A Prometheus with the configuration of `examples/monitoring`.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    data: PathBuf,
}

/// For what has to come in the end: longer than anything but a standstill.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where Prometheus is; `None`, and a word of that, if it is nowhere and need not be.
pub(crate) fn program() -> Option<PathBuf> {
    let named = std::env::var_os("PROMETHEUS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = || {
        std::env::split_paths(&path)
            .map(|folder| folder.join("prometheus"))
            .find(|program| program.is_file())
    };
    let program = named.or_else(found);
    if program.is_none() {
        assert!(
            std::env::var_os("HBONE_REQUIRE_PEERS").is_none(),
            "there is no prometheus; install the package prometheus"
        );
        eprintln!("skipped: prometheus is not installed (Debian: apt-get install prometheus)");
    }
    program
}

impl Prometheus {
    pub(crate) fn start(program: &PathBuf, name: &str) -> Self {
        // An address of this process's own, where nobody else takes a port, nor the service of the package all of them.
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = SocketAddr::new(Ipv4Addr::new(127, 30, high, low.max(1)).into(), 19_090);
        let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("prometheus-{name}"));
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data).expect("a folder");
        let log = fs::File::create(data.join("log")).expect("a log");
        let child = Command::new(program)
            .arg(format!("--config.file={CONFIGURATION}"))
            .arg(format!(
                "--storage.tsdb.path={}",
                data.join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus starts");
        let prometheus = Self {
            child,
            address,
            data,
        };
        prometheus.eventually("all proxies are scraped", || {
            let up = prometheus.try_query("min(up) == 1")?;
            (!up.is_empty()).then_some(())
        });
        prometheus
    }

    /// What a query returns now.
    pub(crate) fn query(&self, query: &str) -> Vec<Value> {
        let rows = self.try_query(query);
        rows.unwrap_or_else(|| {
            panic!(
                "prometheus does not answer {query}; see {}",
                self.data.display()
            )
        })
    }

    /// Waits until `wanted` is there.
    pub(crate) fn eventually<T>(&self, what: &str, wanted: impl Fn() -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(wanted) = wanted() {
                return wanted;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "not after {} s: {what}; see {}",
                PATIENCE.as_secs(),
                self.data.display()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The type of a family of metrics, as the proxies declare it.
    pub(crate) fn kind(&self, family: &str) -> String {
        let data = self.get(&format!("metadata?metric={family}"));
        let data = data.unwrap_or_else(|| panic!("prometheus does not answer for {family}"));
        let kind = data[family][0]["type"].as_str();
        kind.unwrap_or_else(|| panic!("no type of {family}: {data}"))
            .to_owned()
    }

    /// `None` if it cannot be asked yet.
    fn try_query(&self, query: &str) -> Option<Vec<Value>> {
        let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let data = self.get(&format!("query?query={query}"))?;
        data["result"].as_array().cloned()
    }

    /// The `data` of an answer of its API, which has to be one of success.
    fn get(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(
            stream,
            "GET /api/v1/{path} HTTP/1.0\r\nhost: {}\r\n\r\n",
            self.address
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let body: Value = serde_json::from_str(body).ok()?;
        assert_eq!(body["status"], "success", "{path}: {body}");
        Some(body["data"].clone())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
