use std::time::Duration;

use thiserror::Error;

/// Reads a duration as ztunnel's variables have it: numbers with the units `ms`, `s`, `m` and `h`, one after another
/// (`5m`, `1m30s`).
///
/// # Errors
/// Anything else, and more than a year.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(DurationError);
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or(DurationError)?;
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| DurationError)?;
        let letters = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let milliseconds = match unit {
            "ms" => number,
            "s" => number.saturating_mul(1_000),
            "m" => number.saturating_mul(60_000),
            "h" => number.saturating_mul(3_600_000),
            _ => return Err(DurationError),
        };
        total = total.saturating_add(Duration::from_millis(milliseconds));
        rest = after;
    }
    if total > Duration::from_secs(366 * 24 * 3600) {
        return Err(DurationError);
    }
    Ok(total)
}

/// Reads a duration that is more than nothing, of what would fail if it had no time at all.
///
/// # Errors
/// Anything else.
pub fn parse_patience(text: &str) -> Result<Duration, PatienceError> {
    match parse_duration(text)? {
        Duration::ZERO => Err(PatienceError::Nothing),
        patience => Ok(patience),
    }
}

/// A text that is no duration, or one of nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatienceError {
    /// It is none.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// It has no length.
    #[error(
        "nothing would come in time; give a longer one, such as 24h where there is to be no limit"
    )]
    Nothing,
}

/// A text that is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a duration such as 500ms, 10s, 5m or 1m30s")]
#[non_exhaustive]
pub struct DurationError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_add_up() {
        let read = |text| parse_duration(text).map(|duration| duration.as_millis());
        assert_eq!(read("500ms"), Ok(500));
        assert_eq!(read("300s"), Ok(300_000));
        assert_eq!(read("1m30s"), Ok(90_000));
        assert_eq!(read("1h"), Ok(3_600_000));
    }

    #[test]
    fn nothing_is_no_patience() {
        assert_eq!(parse_patience("1ms"), Ok(Duration::from_millis(1)));
        for text in ["0s", "0m0s"] {
            assert_eq!(parse_patience(text), Err(PatienceError::Nothing), "{text}");
        }
        assert_eq!(parse_patience("5"), Err(DurationError.into()));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "1.5s",
            "5d",
            "5ss",
            "99999999999999999999s",
            "9000000h",
        ] {
            assert_eq!(parse_duration(text), Err(DurationError), "{text:?}");
        }
    }
}
