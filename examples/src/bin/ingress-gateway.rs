//! `ingress-gateway`: the way into the mesh for the HTTP of others. `ingress-gateway --help` tells the rest.

use std::process::ExitCode;

use clap::Parser;
use hbone_examples::ingress_gateway::{Cli, serve};
use hbone_examples::proxy::run;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let log_format = cli.options.environment.log_format.clone();
    run("ingress-gateway", &log_format, |control| {
        serve(cli, control)
    })
}
