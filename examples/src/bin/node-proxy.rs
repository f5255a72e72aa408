//! `node-proxy`: what stands beside a workload and speaks HBONE for it, as ztunnel does. `node-proxy --help` tells the rest.

use std::process::ExitCode;

use clap::Parser;
use hbone_examples::node_proxy::{Cli, serve};
use hbone_examples::proxy::{run, start_logging};

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.options.environment.log_format);
    run("node-proxy", |control| serve(cli, control))
}
