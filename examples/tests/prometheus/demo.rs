use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// The demo, with traffic that flows until it is dropped.
pub(crate) struct Demo(Child);

pub(crate) const CONFIGURATION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/monitoring/prometheus.yml");

impl Demo {
    /// Starts it, and waits until its mesh runs.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_demo"))
            .arg("--keep")
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the demo starts");
        let errors = BufReader::new(child.stderr.take().expect("a pipe"));
        let demo = Self(child);
        let mut told = String::new();
        let mut lines = errors.lines();
        for line in &mut lines {
            let line = line.expect("text");
            if line.contains("the mesh runs") {
                // It goes on telling.
                std::thread::spawn(move || lines.for_each(drop));
                return demo;
            }
            told += &line;
            told.push('\n');
        }
        panic!("the demo ended before its mesh ran:\n{told}");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        // As Ctrl-C does, so that it leaves no files.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let _ = self.0.wait();
    }
}

/// Whatever proxies the demo has, the configuration has, too.
pub(crate) fn scrape_configuration_names_every_proxy() {
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["--json", "--requests", "1"])
        .output()
        .expect("the demo starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let proxies = report["proxies"].as_array().expect("a list");
    let proxies: BTreeSet<_> = proxies
        .iter()
        .map(|proxy| proxy["metrics"].as_str().expect("a URL").to_owned())
        .collect();
    let text = std::fs::read_to_string(CONFIGURATION).expect("the configuration");
    let configuration: serde_json::Value = serde_yaml_ng::from_str(&text).expect("YAML");
    let groups = configuration["scrape_configs"][0]["static_configs"].as_array();
    let targets = groups.expect("a list").iter().flat_map(|group| {
        let targets = group["targets"].as_array().expect("a list").iter();
        targets.map(|target| format!("http://{}/metrics", target.as_str().expect("text")))
    });
    assert_eq!(targets.collect::<BTreeSet<_>>(), proxies);
}
