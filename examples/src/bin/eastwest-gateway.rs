//! `eastwest-gateway`: the way into a network for the tunnels of others. `eastwest-gateway --help` tells the rest.

use std::process::ExitCode;

use clap::Parser;
use hbone_examples::eastwest_gateway::{Cli, serve};
use hbone_examples::proxy::{run, start_logging};

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.options.environment.log_format);
    run("eastwest-gateway", |control| serve(cli, control))
}
