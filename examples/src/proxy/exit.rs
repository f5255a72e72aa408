use std::future::Future;
use std::process::ExitCode;

use tokio::runtime::Builder;

use super::{Control, StartError};

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

/// Runs a proxy to its end, which the signals of the process bring about, and says what the process is to end with. What goes wrong
/// is told on standard error.
pub fn run<F>(name: &str, serve: impl FnOnce(Control) -> F) -> ExitCode
where
    F: Future<Output = Result<(), StartError>>,
{
    let outcome = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::System {
            what: "no runtime",
            error,
        })
        .and_then(|runtime| {
            let outcome = runtime.block_on(async { serve(Control::signals()?).await });
            // What is left now has been told to end and has not.
            runtime.shutdown_background();
            outcome
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
