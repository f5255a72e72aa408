use std::env::{self, VarError};
use std::num::NonZeroU16;

use tokio::runtime::{Builder, Runtime};

use super::StartError;

/// Says how many threads tokio starts. It panics where that is no number of threads, or one of which it cannot even keep a list:
/// more than 16 bits can say is not let through to it.
const VARIABLE: &str = "TOKIO_WORKER_THREADS";

/// Starts what a process runs its tasks on: a thread for each processor, or as many as `TOKIO_WORKER_THREADS` says.
///
/// # Errors
/// The variable is no number of threads, or the system has no room for them.
pub fn start_runtime() -> Result<Runtime, StartError> {
    let wrong = |value: String, reason: String| StartError::Variable {
        variable: VARIABLE,
        value,
        reason,
        next: "unset it for a thread a processor, or write it as 4",
    };
    match env::var(VARIABLE) {
        Ok(text) => drop(
            text.parse::<NonZeroU16>()
                .map_err(|error| wrong(text, error.to_string()))?,
        ),
        Err(VarError::NotPresent) => {}
        Err(VarError::NotUnicode(text)) => {
            let shown = text.to_string_lossy().into_owned();
            return Err(wrong(shown, "it is no text".to_owned()));
        }
    }
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::System {
            what: "no runtime",
            error,
        })
}
