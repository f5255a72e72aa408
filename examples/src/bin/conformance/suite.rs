use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use tokio::time::timeout;

use crate::case::{Case, Complaint, Group, Level};
use crate::report::{Format, Outcome, Report, Tried};

/// Which cases are run, and how the result is told.
#[derive(Debug, Clone, Args)]
pub(crate) struct Selection {
    /// Only the requirement, group number or case number given, as HBONE-S-005, 4 or 4.7; may be repeated
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Also the cases that take a quarter of a minute or more each
    #[arg(long)]
    slow: bool,
    /// How long anything is waited for, in seconds
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    patience: f64,
    /// A recommendation that is not followed (SHOULD) counts as a failure
    #[arg(long)]
    strict: bool,
    /// The result as one JSON document
    #[arg(long, conflicts_with = "junit")]
    json: bool,
    /// The result as JUnit's XML
    #[arg(long)]
    junit: bool,
}

/// More is no patience but a mistake.
const LONGEST: Duration = Duration::from_secs(3600);

impl Selection {
    /// How long anything is waited for.
    pub(crate) fn patience(&self) -> Result<Duration> {
        match Duration::try_from_secs_f64(self.patience) {
            Ok(patience) if !patience.is_zero() && patience <= LONGEST => Ok(patience),
            _ => bail!(
                "--patience {} is not a number of seconds above 0 and up to {}",
                self.patience,
                LONGEST.as_secs()
            ),
        }
    }

    /// Runs the cases one after another, and tells the result. Whether all is well is for the exit code.
    pub(crate) async fn run<C: Clone>(&self, groups: Vec<Group<C>>, context: &C) -> Result<bool> {
        // A case waits several times in a row, and a slow one for deadlines of the other side.
        let limit = self.patience()? * 8 + Duration::from_secs(if self.slow { 60 } else { 0 });
        self.names_cases(&groups)?;
        let mut report = Report::new(self.format(), self.strict);
        for (nth, group) in groups.iter().enumerate() {
            let wanted: Vec<_> = (1..).zip(&group.cases).collect();
            let wanted: Vec<_> = wanted
                .into_iter()
                .filter(|(number, case)| self.wants(nth + 1, *number, case))
                .collect();
            if wanted.is_empty() {
                continue;
            }
            report.begin(nth + 1, group.title);
            for (number, case) in wanted {
                let started = Instant::now();
                let outcome = if case.slow && !self.slow {
                    Outcome::skipped("it takes long; ask for it with --slow")
                } else {
                    match timeout(limit, case.run(context.clone())).await {
                        Ok(Ok(())) => Outcome::Passed,
                        Ok(Err(Complaint::Skipped(why))) => Outcome::skipped(why),
                        Ok(Err(Complaint::Fails { expected, seen })) => match case.level {
                            Level::Must => Outcome::Failed { expected, seen },
                            Level::Should => Outcome::Warned { expected, seen },
                        },
                        Err(_) => Outcome::Failed {
                            expected: "an end of the case".into(),
                            seen: format!("none within {} s", limit.as_secs()),
                        },
                    }
                };
                report.tried(Tried {
                    number: format!("{}.{number}", nth + 1),
                    requirement: case.requirement,
                    title: case.title.clone(),
                    took: started.elapsed(),
                    outcome,
                });
            }
        }
        report.finish()
    }

    /// That everything asked for is there: a list with a slip in it would pass for more than it is.
    fn names_cases<C>(&self, groups: &[Group<C>]) -> Result<()> {
        for only in &self.only {
            let is_there = (1..).zip(groups).any(|(nth, group)| {
                (1..)
                    .zip(&group.cases)
                    .any(|(number, case)| names(only, nth, number, case))
            });
            if !is_there {
                bail!(
                    "--only {only} names no case; give a requirement, a group or a case, as HBONE-S-005, 4 or 4.7"
                );
            }
        }
        Ok(())
    }

    fn wants<C>(&self, group: usize, number: usize, case: &Case<C>) -> bool {
        self.only.is_empty()
            || self
                .only
                .iter()
                .any(|only| names(only, group, number, case))
    }

    const fn format(&self) -> Format {
        match (self.json, self.junit) {
            (true, _) => Format::Json,
            (_, true) => Format::Junit,
            _ => Format::Text,
        }
    }
}

fn names<C>(only: &str, group: usize, number: usize, case: &Case<C>) -> bool {
    only.eq_ignore_ascii_case(case.requirement)
        || only == group.to_string()
        || only == format!("{group}.{number}")
}
