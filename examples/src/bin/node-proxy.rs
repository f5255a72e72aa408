//! `node-proxy`: what stands beside a workload and speaks HBONE for it, as ztunnel does. `node-proxy --help` tells the rest.

use std::process::ExitCode;

use clap::Parser;
use hbone_examples::node_proxy::{Cli, serve};
use hbone_examples::proxy::run;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let log_format = cli.options.environment.log_format.clone();
    run("node-proxy", &log_format, |control| serve(cli, control))
}
