use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Reads a flag's span of time: seconds, with or without a fraction.
pub(crate) fn seconds(text: &str) -> Result<Duration> {
    let seconds: f64 = text
        .parse()
        .context("not a number of seconds; write for example 10 or 0.5")?;
    let span = Duration::try_from_secs_f64(seconds).ok();
    let span = span.filter(|span| !span.is_zero() && *span <= LONGEST);
    ensure!(
        span.is_some(),
        "not a span of time that can be waited for; write more than 0 and at most {} seconds",
        LONGEST.as_secs()
    );
    Ok(span.unwrap_or(LONGEST))
}

/// A year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
