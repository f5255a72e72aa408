//! `waypoint`: what stands before services and looks at their requests. `waypoint --help` tells the rest.

use std::process::ExitCode;

use clap::Parser;
use hbone_examples::proxy::run;
use hbone_examples::waypoint::{Cli, serve};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let log_format = cli.options.environment.log_format.clone();
    run("waypoint", &log_format, |control| serve(cli, control))
}
