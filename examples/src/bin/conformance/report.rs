mod junit;

use std::io::{Write, stdout};
use std::time::Duration;

use anyhow::Result;
use baggage::Sanitized;
use hbone_examples::standard_output::print;
use serde::Serialize;

/// How a result is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Junit,
    Text,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub(crate) enum Outcome {
    Passed,
    Failed {
        expected: String,
        seen: String,
    },
    /// A recommendation is not followed.
    Warned {
        expected: String,
        seen: String,
    },
    Skipped {
        reason: String,
    },
}

impl Outcome {
    pub(crate) fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped {
            reason: reason.into(),
        }
    }
}

/// A case that was tried.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tried {
    pub(crate) number: String,
    pub(crate) requirement: &'static str,
    pub(crate) title: String,
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub(crate) took: Duration,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// The result so far; as text it is told while it grows.
#[derive(Debug)]
pub(crate) struct Report {
    format: Format,
    strict: bool,
    groups: Vec<(String, Vec<Tried>)>,
}

#[derive(Serialize)]
struct Document<'a> {
    passed: usize,
    failed: usize,
    warned: usize,
    skipped: usize,
    ok: bool,
    cases: Vec<&'a Tried>,
}

impl Report {
    pub(crate) const fn new(format: Format, strict: bool) -> Self {
        Self {
            format,
            strict,
            groups: Vec::new(),
        }
    }

    pub(crate) fn begin(&mut self, number: usize, title: &str) {
        let title = format!("{number}. {title}");
        if self.format == Format::Text {
            say(&format!("\n{title}\n"));
        }
        self.groups.push((title, Vec::new()));
    }

    pub(crate) fn tried(&mut self, tried: Tried) {
        if self.format == Format::Text {
            say(&line(&tried));
        }
        if let Some((_, cases)) = self.groups.last_mut() {
            cases.push(tried);
        }
    }

    /// Tells the rest. Whether nothing failed.
    pub(crate) fn finish(self) -> Result<bool> {
        let count =
            |is: fn(&Outcome) -> bool| self.cases().filter(|case| is(&case.outcome)).count();
        let passed = count(|outcome| matches!(outcome, Outcome::Passed));
        let failed = count(|outcome| matches!(outcome, Outcome::Failed { .. }));
        let warned = count(|outcome| matches!(outcome, Outcome::Warned { .. }));
        let skipped = count(|outcome| matches!(outcome, Outcome::Skipped { .. }));
        // Nothing tried is nothing shown.
        let ok = failed == 0 && passed > 0 && !(self.strict && warned > 0);
        let mut out = Vec::new();
        match self.format {
            Format::Json => {
                let cases = self.cases().collect();
                let document = Document {
                    passed,
                    failed,
                    warned,
                    skipped,
                    ok,
                    cases,
                };
                serde_json::to_writer_pretty(&mut out, &document)?;
                writeln!(out)?;
            }
            Format::Junit => junit::write(&mut out, &self.groups, self.strict)?,
            Format::Text => {
                let all = self.cases().count();
                say(&format!(
                    "\n{all} cases: {passed} passed, {failed} failed, {warned} warned, {skipped} skipped\n"
                ));
                return Ok(ok);
            }
        }
        print(&String::from_utf8(out)?)?;
        Ok(ok)
    }

    fn cases(&self) -> impl Iterator<Item = &Tried> {
        self.groups.iter().flat_map(|(_, cases)| cases)
    }
}

fn line(tried: &Tried) -> String {
    let Tried {
        number,
        requirement,
        title,
        ..
    } = tried;
    let told = |mark: &str, expected: &str, seen: &str| {
        let (expected, seen) = (Sanitized::new(expected), Sanitized::new(seen));
        format!(
            "  {mark} {number} {title} [{requirement}]\n      expected: {expected}\n      seen:     {seen}\n"
        )
    };
    match &tried.outcome {
        Outcome::Passed => format!("  pass {number} {title} [{requirement}]\n"),
        Outcome::Failed { expected, seen } => told("FAIL", expected, seen),
        Outcome::Warned { expected, seen } => told("warn", expected, seen),
        Outcome::Skipped { reason } => {
            let reason = Sanitized::new(reason);
            format!("  skip {number} {title} [{requirement}]: {reason}\n")
        }
    }
}

fn say(text: &str) {
    // Somebody who closes the pipe has seen enough; the exit code still tells.
    let _ = stdout().write_all(text.as_bytes());
}

fn seconds<S: serde::Serializer>(took: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((took.as_secs_f64() * 1000.0).round() / 1000.0)
}
