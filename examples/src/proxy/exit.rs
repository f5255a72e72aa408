use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use super::{Control, StartError, start_logging, start_runtime};
use crate::heap::keep_free;
use crate::terminal_safe;

/// What the exit codes of every proxy mean, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  drained after SIGTERM or SIGINT
  1  the system does not give what is needed
  2  a flag or a variable is wrong
  3  the mesh file cannot be used, or has no such workload
  4  a certificate, a key or a trust bundle cannot be used
  5  an address cannot be listened on

Logging:
  RUST_LOG  what is logged besides, as in debug or hbone_examples=debug,info [default: info]

Signals:
  SIGTERM, SIGINT  drain: take nothing new, end when the last connection has ended or at
                   the deadline that --connection-termination-deadline is about; a second one ends at once
  SIGHUP           read the mesh file and the certificates at once, without waiting for their change to be noticed";

/// Runs a proxy to its end, which the signals of the process bring about, and says what the process is to end with. It logs in the
/// given format; what it cannot start for is told on standard error.
pub fn run<F>(name: &str, log_format: &str, serve: impl FnOnce(Control) -> F) -> ExitCode
where
    F: Future<Output = Result<(), StartError>>,
{
    let outcome = start_logging(log_format).and_then(|log| {
        let outcome = run_here(serve);
        drop(log);
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The mesh file may have had a say in it. Where nobody can be told, the exit code must do.
            let told = error.to_string();
            let _ = writeln!(io::stderr(), "{name}: {}", terminal_safe::message(&told));
            ExitCode::from(error.exit_code())
        }
    }
}

fn run_here<F>(serve: impl FnOnce(Control) -> F) -> Result<(), StartError>
where
    F: Future<Output = Result<(), StartError>>,
{
    keep_free();
    let runtime = start_runtime()?;
    let outcome = runtime.block_on(async { serve(Control::signals()?).await });
    // What is left now has been told to end and has not, or reads a file that never comes.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use tokio::task::spawn_blocking;

    use super::*;

    #[test]
    fn a_file_that_never_comes_does_not_keep_the_process() {
        let (_writer, never): (_, Receiver<()>) = channel();
        let serve = |_: Control| async {
            // In a thread of its own, as files are read.
            drop(spawn_blocking(move || never.recv()));
            Ok(())
        };
        run_here(serve).expect("it has come to its end");
    }
}
