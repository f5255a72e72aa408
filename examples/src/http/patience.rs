use std::pin::pin;
use std::time::Duration;

use http::StatusCode;
use tokio::time::timeout;

use super::progress::Progress;
use super::{Refusal, ResponseFlag};

/// Waits for the server's answer for as long as the server may take.
///
/// Only what the server takes counts: to read what has come of the request, and to begin its answer. While the client is to send more of
/// the request, the server is waited for by nobody.
pub(super) async fn within<T>(
    patience: Option<Duration>,
    progress: &Progress,
    call: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let Some(patience) = patience else {
        return call.await;
    };
    let mut call = pin!(call);
    let mut rest = patience;
    while !rest.is_zero() {
        if let Ok(answer) = timeout(rest, call.as_mut()).await {
            return answer;
        }
        // If it is the client's turn, the server's begins later, and so has this much before it.
        let waited = progress.waited().unwrap_or_default();
        rest = patience.saturating_sub(waited);
    }
    Err(too_late(patience, progress))
}

fn too_late(patience: Duration, progress: &Progress) -> Refusal {
    let reason = match progress.is_whole() {
        true => format!(
            "the server did not begin to answer within {patience:?}; see --response-timeout"
        ),
        false => format!(
            "the server did not read more of the request within {patience:?}; see --response-timeout"
        ),
    };
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, ResponseFlag::TimedOut, reason)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::{Instant, sleep};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_server_has_its_time_from_the_end_of_the_request() {
        let progress = Progress::default();
        progress.handle_wanted();
        let begun = Instant::now();
        let upload = async {
            sleep(PATIENCE * 4).await;
            progress.handle_whole();
            pending::<Result<(), Refusal>>().await
        };
        let refusal = within(Some(PATIENCE), &progress, upload).await;
        let refusal = refusal.expect_err("too late");
        assert_eq!(refusal.status, StatusCode::GATEWAY_TIMEOUT);
        assert!(refusal.reason.contains("did not begin to answer"));
        assert!(begun.elapsed() >= PATIENCE * 5, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_server_that_reads_nothing_is_late_too() {
        let progress = Progress::default();
        progress.handle_handed();
        let call = pending::<Result<(), Refusal>>();
        let refusal = within(Some(PATIENCE), &progress, call).await;
        let refusal = refusal.expect_err("too late");
        assert!(refusal.reason.contains("did not read more"));
    }
}
