//! Keeps thousands of tunnels busy while servers restart, certificates change and peers are revoked, and checks every byte of
//! them. Everything is in one process, over real TCP and mutual TLS on loopback, so that nothing can leak unseen.

mod application;
mod caller;
mod errand;
mod faults;
mod mesh;
mod node;
mod pattern;
mod place;
mod report;
mod resources;
mod run;
mod sabotage;
mod tally;
mod transfer;
mod trouble;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use hbone_examples::proxy::start_runtime;
use hbone_examples::standard_output::print;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use sabotage::Sabotage;

/// Keep tunnels busy under faults, and check every byte, descriptor and task.
///
/// Callers open tunnel after tunnel to four servers, some through a gateway in a second tunnel. Sizes are random; halves are
/// closed early; callers and applications reset; connects are given up, refused and denied. Meanwhile servers drain and crash and
/// come back, every certificate is rotated, and one client's is revoked. A tunnel that none of that hit must end as it was meant
/// to. Exits with 1 if a check fails.
///
/// Resident memory must grow by less than 1 MB a minute once warm, which takes the first third (20 s at most). What counts is the
/// lowest value in every 5 s, and the slope of the line through those (least squares) in either half of the time that is left, of
/// which the smaller is taken: a leak grows in both, while bursts fall back and the allocator's steps happen once. With less than
/// 30 s left to judge, only gross growth fails.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How long.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(3..))]
    seconds: u64,
    /// How many tunnels at once; a pooled connection carries up to a hundred.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(20..=20_000))]
    tunnels: u64,
    /// Chooses sizes and ways to end. What happens at the same time as what is up to the machine.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Break something on purpose, to see that it is found.
    #[arg(long)]
    sabotage: Option<Sabotage>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    allow_descriptors(arguments.tunnels.saturating_mul(5))?;
    let report = start_runtime()?.block_on(run::run(&arguments))?;
    print(&match arguments.json {
        true => format!("{}\n", serde_json::to_string_pretty(&report)?),
        false => format!("{report}\n"),
    })?;
    Ok(if report.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Raises the limit of descriptors as far as is allowed, if it is too low.
fn allow_descriptors(needed: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit {
        current: limit
            .maximum
            .map_or(Some(needed), |most| Some(most.min(needed))),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("raising the limit of descriptors")
}
