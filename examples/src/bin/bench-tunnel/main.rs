//! Measures the transport: what a tunnel costs, as a ratio to a naive TLS relay that runs in turn with it, and to plain TCP.
//!
//! Every relay side and either application is a process of its own with one thread, over loopback TCP. Processor time is the
//! operating system's account of each process.

mod application;
mod chain;
mod cpu;
mod effort;
mod experiment;
mod idle;
mod line;
mod load;
mod memory;
mod naive;
mod ours;
mod process;
mod report;
mod role;
mod row;
mod secrets;
mod sink;
mod stage;

use anyhow::Result;
use clap::{Parser, Subcommand};

use effort::Effort;
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
    /// Only figures whose name contains this.
    #[arg(long)]
    only: Option<String>,
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
    let effort = Effort::new(arguments.quick);
    let report = Report::measure(effort, arguments.only.as_deref())?;
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}
