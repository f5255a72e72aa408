//! `waypoint`: what stands before services and looks at their requests. `waypoint --help` tells the rest.

use std::process::ExitCode;

use clap::Parser;
use hbone_examples::proxy::{run, start_logging};
use hbone_examples::waypoint::{Cli, serve};

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.options.environment.log_format);
    run("waypoint", |control| serve(cli, control))
}
