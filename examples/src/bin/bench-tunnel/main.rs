//! Measures the transport: what a tunnel costs, as a ratio to a naive TLS relay that runs in turn with it, and to plain TCP.
//!
//! Every relay side and either application is a process of its own with one thread, over loopback TCP. Processor time is the
//! operating system's account of each process.

mod application;
mod chain;
mod cpu;
mod duel;
mod effort;
mod experiment;
mod growth;
mod idle;
mod layer7;
mod line;
mod load;
mod memory;
mod naive;
mod ours;
mod pair;
mod plot;
mod process;
mod report;
mod role;
mod row;
mod secrets;
mod sink;
mod stage;

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use hbone_examples::standard_output::print;
use serde::Serialize;

use duel::Duel;
use effort::Effort;
use experiment::{EXPERIMENTS, Experiment};
use layer7::Table;
use report::Report;
use role::Role;

/// Measure what a tunnel costs, against a naive TLS relay and plain TCP.
///
/// The naive relay opens a TLS connection of its own for each of the application's, with the same cipher suite, and copies with
/// buffers of 64 KiB. Both run in turn, several times; the median of the ratios is printed, beside what is asked of it.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Fewer rounds and less in each: for a first look.
    #[arg(long)]
    quick: bool,
    /// How often everything is measured, instead of 9 times, or 3 with --quick.
    #[arg(long)]
    rounds: Option<NonZeroUsize>,
    /// Only figures whose name contains this.
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// Instead of the naive relay: compare with the tunnels of another build of this program, a copy of the file from before a
    /// change. It takes dozens of rounds to see what a hundredth is.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["growth", "http"])]
    against: Option<PathBuf>,
    /// Instead of the table: measure how costs grow with tunnels and with connections, draw that as SVG files in this folder,
    /// and fail if any grows worse than linearly.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["http", "json", "only"])]
    growth: Option<PathBuf>,
    /// Instead of the table: measure what a request through `waypoint` and `ingress-gateway` costs, against the latter with plain HTTP
    /// at both sides. The three proxies have to be built: `cargo build --release -p hbone-examples --bins`.
    #[arg(long, conflicts_with = "only")]
    http: bool,
    #[command(subcommand)]
    role: Option<Hidden>,
}

#[derive(Debug, Subcommand)]
enum Hidden {
    /// One of the processes that are measured.
    #[command(subcommand, hide = true)]
    Role(Role),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Hidden::Role(role)) = arguments.role {
        return role.run();
    }
    process::raise_descriptor_limit()?;
    let mut effort = Effort::new(arguments.quick);
    effort.rounds = arguments.rounds.map_or(effort.rounds, NonZeroUsize::get);
    if let Some(folder) = arguments.growth {
        return growth::run(&folder, effort);
    }
    if arguments.http {
        return show(arguments.json, &Table::measure(effort)?);
    }
    let only = arguments.only.as_deref();
    if let Some(part) = only {
        must_name_a_figure(part, arguments.against.is_none())?;
    }
    if let Some(other) = arguments.against {
        return show(arguments.json, &Duel::measure(&other, effort, only)?);
    }
    let report = Report::measure(effort, only)?;
    show(arguments.json, &report)
}

/// An empty table would pass for one in which all is well. Memory is not compared with another build.
fn must_name_a_figure(part: &str, with_memory: bool) -> Result<()> {
    let names = EXPERIMENTS.iter().flat_map(Experiment::names);
    let names: Vec<_> = names.chain(with_memory.then_some(idle::NAME)).collect();
    ensure!(
        names.iter().any(|name| name.contains(part)),
        "--only {part:?} is in the name of no figure; there are:\n  {}",
        names.join("\n  ")
    );
    Ok(())
}

fn show(json: bool, what: &(impl Serialize + Display)) -> Result<()> {
    print(&match json {
        true => format!("{}\n", serde_json::to_string(what)?),
        false => what.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_no_name_is_told_with_the_names_that_there_are() {
        assert!(must_name_a_figure("round trip", false).is_ok());
        assert!(must_name_a_figure("idle", true).is_ok());
        for (part, with_memory) in [("nothing", true), ("idle", false)] {
            let error = must_name_a_figure(part, with_memory).expect_err(part);
            let told = error.to_string();
            assert!(
                told.contains(part) && told.contains("1-byte round trip: p50"),
                "{told}"
            );
        }
    }

    #[test]
    fn flags_of_which_one_would_not_count_are_refused() {
        for flags in [
            "--rounds 0",
            "--growth folder --json",
            "--growth folder --http",
            "--growth folder --only bulk",
            "--http --only bulk",
            "--against program --http",
        ] {
            let arguments = ["bench-tunnel"].into_iter().chain(flags.split(' '));
            assert!(Arguments::try_parse_from(arguments).is_err(), "{flags}");
        }
    }
}
