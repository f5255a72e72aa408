use std::future::Future;

use hbone_examples::proxy::{StartError, start_runtime};

use crate::failure::Failure;

/// Runs a command that waits for more than one thing.
pub(crate) fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = start_runtime().map_err(|error| match error {
        StartError::Variable { .. } => Failure::input(error),
        error => error.into(),
    })?;
    let outcome = runtime.block_on(work);
    // A thread that reads a terminal cannot be told to stop, and must not keep us.
    runtime.shutdown_background();
    outcome
}
