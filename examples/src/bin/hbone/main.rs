//! `hbone`: the curl of HBONE. What it can do is told by `hbone --help`.

mod allow;
mod connect;
mod decode;
mod encode;
mod failure;
mod forward;
mod head;
mod hex;
mod input;
mod legacy;
mod listening;
mod log;
mod manual;
mod object;
mod output;
mod overheard;
mod pki;
mod quoted;
mod runtime;
mod seconds;
mod serve;
mod shown;
mod signals;
mod top;
mod way;
mod workload;

use std::env;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::{EXIT_CODES, Failure};

/// Speak HBONE, and look into what others say.
#[derive(Debug, Parser)]
#[command(name = "hbone", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Completions(manual::Completions),
    Connect(connect::Connect),
    Decode(decode::Decode),
    Encode(encode::Encode),
    Forward(forward::Forward),
    Man(manual::Manual),
    Pki(pki::Pki),
    Serve(serve::Serve),
    Top(top::Top),
}

fn main() -> ExitCode {
    let outcome = match Cli::try_parse() {
        Ok(cli) => cli.command.run(),
        Err(error) => match connect::Usage::of(&error, env::args_os()) {
            Some(usage) => Err(usage.tell()),
            None => error.exit(),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Completions(completions) => completions.run::<Cli>(),
            Self::Connect(connect) => connect.run(),
            Self::Decode(decode) => decode.run(),
            Self::Encode(encode) => encode.run(),
            Self::Forward(forward) => forward.run(),
            Self::Man(manual) => manual.run::<Cli>(),
            Self::Pki(pki) => pki.run(),
            Self::Serve(serve) => serve.run(),
            Self::Top(top) => top.run(),
        }
    }
}
