use std::str::FromStr;
use std::time::Duration;

use hbone::{Hostname, HostnameError};
use thiserror::Error;

use crate::proxy::{DurationError, parse_duration};

/// How long servers may take to begin an answer: those of one service, or all of them (`[HOST=]DURATION`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseTimeout {
    pub(super) service: Option<Hostname>,
    /// Zero is without an end.
    pub(super) after: Duration,
}

/// A text that is no such timeout.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResponseTimeoutError {
    /// What stands behind `=`, or all of it.
    #[error("{0}; write DURATION or HOST=DURATION, such as 15s or shop.example=15s")]
    Duration(#[from] DurationError),
    /// What stands before `=`.
    #[error("the service is no host name: {0}")]
    Service(#[from] HostnameError),
}

impl FromStr for ResponseTimeout {
    type Err = ResponseTimeoutError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (service, after) = match text.split_once('=') {
            Some((service, after)) => (Some(Hostname::parse(service)?), after),
            None => (None, text),
        };
        let after = parse_duration(after)?;
        Ok(Self { service, after })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Limits;
    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        limits: Limits,
    }

    fn of(flags: &[&str], service: &str) -> Option<u64> {
        let flags = flags
            .iter()
            .map(|flag| format!("--response-timeout={flag}"));
        let flags = Flags::parse_from(std::iter::once("proxy".to_owned()).chain(flags));
        let service = Hostname::parse(service).expect("a name");
        let timeout = flags.limits.response_timeout(Some(&service));
        timeout.map(|timeout| timeout.as_secs())
    }

    #[test]
    fn a_service_has_its_own_or_else_that_of_all() {
        assert_eq!(of(&[], "a.example"), None);
        assert_eq!(of(&["15s"], "a.example"), Some(15));
        for flags in [["15s", "A.example=2s"], ["a.example=2s", "15s"]] {
            assert_eq!(of(&flags, "a.example"), Some(2));
            assert_eq!(of(&flags, "b.example"), Some(15));
        }
        assert_eq!(of(&["15s", "a.example=0s"], "a.example"), None, "for ever");
        assert_eq!(of(&["a.example=2s"], "b.example"), None);
        assert_eq!(of(&["a.example=2s", "a.example=3s"], "a.example"), Some(3));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "=",
            "a.example=",
            "=5s",
            "a.example=5",
            "a b=5s",
            "5s=a",
            "a=b=5s",
        ] {
            assert!(text.parse::<ResponseTimeout>().is_err(), "{text}");
        }
    }
}
