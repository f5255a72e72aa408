//! `conformance`: tries whether a server, a client or a gateway speaks HBONE as the specification has it.

mod arrivals;
mod case;
mod certificates;
mod client;
mod gateway;
mod report;
mod server;
mod suite;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use hbone_examples::proxy::start_runtime;
use hbone_examples::terminal_safe;

/// Try whether others speak HBONE as docs/SPEC.md has it.
///
/// Each case is about one requirement and ends in a bounded time. Exit code 0: nothing failed; 1: something did, or nothing could be tried; 2: the suite
/// could not run.
#[derive(Debug, Parser)]
#[command(name = "conformance", version)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    Server(server::Server),
    Client(client::Client),
    Gateway(gateway::Gateway),
}

fn main() -> ExitCode {
    let role = Cli::parse().role;
    let runtime = start_runtime().map_err(Into::into);
    match runtime.and_then(|runtime| runtime.block_on(role.run())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // What is tried may have had a say in it.
            let told = format!("{error:#}");
            let _ = writeln!(
                io::stderr(),
                "conformance: {}",
                terminal_safe::message(&told)
            );
            ExitCode::from(2)
        }
    }
}

impl Role {
    async fn run(self) -> Result<bool> {
        match self {
            Self::Server(server) => server.run().await,
            Self::Client(client) => client.run().await,
            Self::Gateway(gateway) => gateway.run().await,
        }
    }
}
