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
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serde::Serialize;

use duel::Duel;
use effort::Effort;
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
    rounds: Option<usize>,
    /// Only figures whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Instead of the naive relay: compare with the tunnels of another build of this program, a copy of the file from before a
    /// change. It takes dozens of rounds to see what a hundredth is.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["growth", "http"])]
    against: Option<PathBuf>,
    /// Instead of the table: measure how costs grow with tunnels and with connections, draw that as SVG files in this folder,
    /// and fail if any grows worse than linearly.
    #[arg(long, value_name = "FOLDER")]
    growth: Option<PathBuf>,
    /// Instead of the table: measure what a request through `waypoint` and `ingress-gateway` costs, against the latter with plain HTTP
    /// at both sides. The three proxies have to be built: `cargo build --release -p hbone-examples --bins`.
    #[arg(long)]
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
    effort.rounds = arguments.rounds.unwrap_or(effort.rounds);
    if let Some(folder) = arguments.growth {
        return growth::run(&folder, effort);
    }
    if arguments.http {
        return show(arguments.json, &Table::measure(effort)?);
    }
    let only = arguments.only.as_deref();
    if let Some(other) = arguments.against {
        return show(arguments.json, &Duel::measure(&other, effort, only)?);
    }
    let report = Report::measure(effort, only)?;
    show(arguments.json, &report)
}

fn show(json: bool, what: &(impl Serialize + Display)) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(what)?);
    } else {
        print!("{what}");
    }
    Ok(())
}
