use std::collections::BTreeSet;
use std::process::Command;

use hbone_examples::exposition::samples;
use serde_json::Value;

use crate::http::request;
use crate::process::Process;

/// The demo with its page.
pub(crate) struct Picture {
    pub(crate) address: String,
    _process: Process,
}

impl Picture {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        let (process, address) = Process::start(command.args(["--ui", "127.0.0.1:0"]), |line| {
            let (_, address) = line.split_once("http://")?;
            Some(address.trim_end_matches('/').to_owned())
        });
        Self {
            address,
            _process: process,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn state(&self) -> Value {
        let answer = request(&self.address, "GET", "/state", &[], "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Who talks to whom, read from the proxies' own metrics and without the demo's help: all pairs that were ever counted, if
    /// both parties were known.
    pub(crate) fn counted(&self) -> BTreeSet<String> {
        let state = self.state();
        let proxies = state["picture"]["proxies"].as_array().expect("proxies");
        let mut pairs = BTreeSet::new();
        for proxy in proxies {
            let url = proxy["metrics"].as_str().expect("a URL");
            let (authority, path) = url
                .strip_prefix("http://")
                .and_then(|rest| rest.split_once('/'))
                .expect("http://ADDRESS/PATH");
            let text = request(authority, "GET", &format!("/{path}"), &[], "").body;
            for sample in samples(&text).map(|sample| sample.expect("metrics")) {
                let counts = ["istio_requests_total", "istio_tcp_connections_opened_total"];
                if !counts.contains(&sample.name) {
                    continue;
                }
                let party = |side: &str| {
                    let label =
                        |name: &str| sample.labels[format!("{side}_{name}").as_str()].as_str();
                    [
                        label("cluster"),
                        label("workload_namespace"),
                        label("workload"),
                    ]
                    .join("/")
                };
                let (source, destination) = (party("source"), party("destination"));
                if !format!("{source}/{destination}")
                    .split('/')
                    .any(|part| part == "unknown")
                {
                    pairs.insert(format!("{source}>{destination}"));
                }
            }
        }
        pairs
    }

    /// Sends what the page's switches send, as somebody else.
    pub(crate) fn post(&self, path: &str, headers: &[&str], body: &Value) -> u16 {
        request(&self.address, "POST", path, headers, &body.to_string()).status
    }
}
