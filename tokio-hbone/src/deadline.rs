use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use hbone::{Establish, EstablishError, LinkFailure};
use tokio::task::yield_now;
use tokio::time::timeout_at;

/// The time, by the clock that also wakes us: tokio's, which a test can stop. Deadlines by one clock and timers by another
/// would disagree about what is due.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Runs `work` until `deadline`, or without end if there is none. `None` if the deadline came first.
///
/// A program that was stopped for a while must not take its own delay for the peer's: what lies in the socket by then has come in
/// time, though the tasks that carry it here have yet to run. Those of our own thread run when we give them turns; those of
/// another take their time, and whoever notices the deadline late waits that long for them.
pub(crate) async fn within<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let Some(deadline) = deadline else {
        return Some(work.await);
    };
    let mut work = pin!(work);
    if let Ok(done) = timeout_at(deadline.into(), &mut work).await {
        return Some(done);
    }
    let grace = grace(deadline);
    for _ in 0..CARRIERS {
        yield_now().await;
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
            return Some(done);
        }
    }
    match grace {
        Some(until) => timeout_at(until.into(), work).await.ok(),
        None => None,
    }
}

/// Until when other threads may still carry what has come before a deadline that is noticed only now; `None` if it is noticed in
/// time. Whoever was stopped or starved for so long has not shown that the peer is slow.
pub(crate) fn grace(deadline: Instant) -> Option<Instant> {
    let now = now();
    let late = now.saturating_duration_since(deadline);
    (late > PUNCTUAL)
        .then(|| now.checked_add(late.min(MOST_GRACE)))
        .flatten()
}

/// Timers count milliseconds, and a busy runtime looks at them a little later.
const PUNCTUAL: Duration = Duration::from_millis(20);
/// Longer than any thread takes that runs at all.
const MOST_GRACE: Duration = Duration::from_secs(1);

/// How often the other tasks get their turn before a deadline counts. Each hop below has a task that hands on what has come, at
/// once or a turn later, and a route has two.
pub(crate) const CARRIERS: u8 = 8;

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
