use std::future::Future;

use anyhow::Context;
use tokio::runtime::Runtime;

use crate::failure::Failure;

/// Runs a command that waits for more than one thing.
pub(crate) fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = Runtime::new().context("starting the runtime")?;
    let outcome = runtime.block_on(work);
    // A thread that reads a terminal cannot be told to stop, and must not keep us.
    runtime.shutdown_background();
    outcome
}
