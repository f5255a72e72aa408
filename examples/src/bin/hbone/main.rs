//! `hbone`: the curl of HBONE. What it can do is told by `hbone --help`.

mod allow;
mod connect;
mod decode;
mod encode;
mod failure;
mod forward;
mod listening;
mod log;
mod quoted;
mod runtime;
mod seconds;
mod serve;
mod signals;
mod terminal_safe;
mod way;
mod workload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Speak HBONE, and look into what others say.
#[derive(Debug, Parser)]
#[command(name = "hbone", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Connect(connect::Connect),
    Decode(decode::Decode),
    Encode(encode::Encode),
    Forward(forward::Forward),
    Serve(serve::Serve),
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Connect(connect) => connect.run(),
            Self::Decode(decode) => decode.run(),
            Self::Encode(encode) => encode.run(),
            Self::Forward(forward) => forward.run(),
            Self::Serve(serve) => serve.run(),
        }
    }
}
