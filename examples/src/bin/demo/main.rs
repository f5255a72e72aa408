//! A whole two-network mesh in one process: real TCP, real mutual TLS, real HTTP/2, on loopback addresses.
//!
//! ```text
//!  network-a, cluster-a (127.10/16)        network-b, cluster-b (127.20/16)
//!
//!  application -> node proxy ==outer==> east-west gateway --TCP--> node proxy -> server   (3 pods)
//!                           \__________________inner__________________/
//! ```

mod application;
mod destination_proxy;
mod gateway;
mod hops;
mod listener;
mod metrics;
mod report;
mod running;
mod source_proxy;
mod topology;
mod traffic;
#[expect(
    dead_code,
    unused_imports,
    reason = "the mesh that it draws comes next"
)]
mod ui;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::time::timeout;

use crate::report::Report;
use crate::running::Running;
use crate::topology::Topology;

/// Runs a two-network mesh and sends connections from one network to the other through double HBONE.
///
/// Exits with 0 only if every byte came back right and, with baggage on, no metric label reads `unknown`.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Print the report as one JSON document
    #[arg(long)]
    json: bool,
    /// How many connections to send
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    requests: u32,
    /// Switch the exchange of baggage off, to see what the metrics lose
    #[arg(long)]
    no_baggage: bool,
}

/// How long the proxies may take to count what their clients have ended.
const SETTLING: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Options) -> Result<bool> {
    let topology = Topology::new(!options.no_baggage)?;
    let mesh = Running::start(topology).await?;
    let mut outcome = traffic::send(options.requests).await;
    if timeout(SETTLING, mesh.topology.metrics.settled())
        .await
        .is_err()
    {
        let failure = "a proxy still counts a connection as open that its client has ended";
        outcome.failures.push(failure.to_owned());
    }
    let report = Report::new(&mesh, outcome, !options.no_baggage);
    let text = if options.json {
        format!("{}\n", serde_json::to_string_pretty(&report)?)
    } else {
        report.to_string()
    };
    // A reader that has seen enough, such as `head`, is no reason to panic as `print!` would.
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("writing the report")?;
    Ok(report.is_good())
}
