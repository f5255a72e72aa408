use std::future::Future;
use std::time::Instant;

use hbone::{Establish, EstablishError, LinkFailure};
use tokio::time::timeout_at;

/// The time, by the clock that also wakes us: tokio's, which a test can stop. Deadlines by one clock and timers by another
/// would disagree about what is due.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Runs `work` until `deadline`, or without end if there is none. `None` if the deadline came first.
pub(crate) async fn within<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline.into(), work).await.ok(),
        None => Some(work.await),
    }
}

/// Runs the work of one stage under its deadline.
pub(crate) async fn stage<T>(
    establish: &mut Establish,
    work: impl Future<Output = Result<T, LinkFailure>>,
) -> Result<T, EstablishError> {
    match within(establish.poll_timeout(), work).await {
        Some(Ok(done)) => return Ok(done),
        Some(Err(failure)) => establish.handle_failure(failure),
        None => establish.handle_timeout(now()),
    }
    match establish.poll() {
        Some(Err(error)) => Err(error),
        _ => Err(EstablishError::Closed(establish.stage())),
    }
}
