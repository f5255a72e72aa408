use std::ffi::{OsStr, OsString};

use anyhow::anyhow;
use clap::Error;

use crate::connect::report::Report;
use crate::failure::Failure;

/// Arguments that cannot be understood, of a caller that reads standard error as JSON.
pub(crate) struct Usage(String);

impl Usage {
    /// What is wrong with `arguments`, if they are of such a caller.
    pub(crate) fn of(error: &Error, arguments: impl IntoIterator<Item = OsString>) -> Option<Self> {
        // Help goes to standard output.
        (error.use_stderr() && want_json(arguments)).then(|| Self(what_is_wrong(error)))
    }

    /// Tells it.
    pub(crate) fn tell(self) -> Failure {
        Report::new(true).last(&Failure::Input(anyhow!(self.0)))
    }
}

/// Whether they are those of `hbone connect --json`.
fn want_json(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let mut flags = arguments
        .into_iter()
        .skip(1)
        .take_while(|argument| argument != OsStr::new("--"));
    flags.next().is_some_and(|command| command == "connect") && flags.any(|flag| flag == "--json")
}

/// What clap says, without the usage that it shows a person.
fn what_is_wrong(error: &Error) -> String {
    let told = error.to_string();
    let told = told.strip_prefix("error: ").unwrap_or(&told);
    let end = ["\n\nUsage:", "\n\nFor more information"]
        .iter()
        .filter_map(|advice| told.find(advice))
        .min();
    let told = end.and_then(|end| told.get(..end)).unwrap_or(told);
    let lines: Vec<_> = told
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(" ")
}
