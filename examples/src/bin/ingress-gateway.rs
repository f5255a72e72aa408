//! `ingress-gateway`: the way into the mesh for the HTTP of others. `ingress-gateway --help` tells the rest.

use std::process::ExitCode;

use clap::Parser;
use hbone_examples::ingress_gateway::{Cli, serve};
use hbone_examples::proxy::{run, start_logging};

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.options.environment.log_format);
    run("ingress-gateway", |control| serve(cli, control))
}
