//! `eastwest-gateway`: the way into a network for the tunnels of others. `eastwest-gateway --help` tells the rest.

use std::process::ExitCode;

use clap::Parser;
use hbone_examples::eastwest_gateway::{Cli, serve};
use hbone_examples::proxy::run;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let log_format = cli.options.environment.log_format.clone();
    run("eastwest-gateway", &log_format, |control| {
        serve(cli, control)
    })
}
