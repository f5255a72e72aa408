//! Simulates a mesh under a virtual clock: many sources send requests to remote networks, each behind a balancing gateway, through
//! `hbone::pool::Pool`, with its spread on and off. Prints how far requests stray from the weights of the endpoints, and what
//! that costs in handshakes.

mod balancer;
mod gateway;
mod network;
mod report;
mod scenario;
mod wheel;
mod windows;

use clap::Parser;
use hbone_examples::standard_output::print;

use report::Report;
use scenario::{Balancing, Scenario};

/// Simulate the connection pool and its spread over remote endpoints.
///
/// Every source holds a pool; a key is a remote network. The network's gateway chooses an endpoint for each inner connection, not
/// for each request. Deviation is measured for each endpoint against its share of the weights, with requests aggregated over all
/// sources in windows of 60 s in which no endpoint came or went; at the start all of them come.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Chooses every random number: equal seeds give equal results.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long the mesh runs, in virtual minutes.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    minutes: u32,
    /// How many sources send.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    sources: u32,
    /// How a gateway chooses an endpoint in the main run.
    #[arg(long, value_enum, default_value_t = Balancing::RoundRobin)]
    gateway: Balancing,
    /// Leave the shorter runs with the other ways of balancing out.
    #[arg(long)]
    main_only: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let scenario = Scenario {
        seed: arguments.seed,
        minutes: arguments.minutes,
        sources: arguments.sources,
        balancing: arguments.gateway,
        ..Scenario::default()
    };
    let report = Report::run(&scenario, !arguments.main_only);
    print(&match arguments.json {
        true => format!("{}\n", serde_json::to_string(&report)?),
        false => report.to_string(),
    })
}
