use std::fmt;
use std::fs;
use std::thread::available_parallelism;

use anyhow::Result;
use serde::Serialize;

use crate::effort::Effort;
use crate::experiment::EXPERIMENTS;
use crate::idle;
use crate::row::{Met, Row};
use crate::stage::Stage;

/// The table.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    cores: usize,
    kernel: String,
    rounds: usize,
    rows: Vec<Row>,
}

impl Report {
    /// Measures every figure, or those with `only` in their name.
    pub(crate) fn measure(effort: Effort, only: Option<&str>) -> Result<Self> {
        let mut stage = Stage::set()?;
        let mut rows = Vec::new();
        for experiment in EXPERIMENTS {
            if only.is_none_or(|only| experiment.is_named(only)) {
                rows.extend(experiment.run(&mut stage, effort)?);
            }
        }
        if only.is_none_or(|only| idle::NAME.contains(only)) {
            rows.extend(idle::run(&mut stage, effort)?);
        }
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Ok(Self {
            cores: available_parallelism()?.get(),
            kernel: kernel
                .split('-')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            rounds: effort.rounds,
            rows,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cores,
            kernel,
            rounds,
            rows,
        } = self;
        writeln!(
            f,
            "{cores} cores, Linux {kernel}, medians of {rounds} rounds\n"
        )?;
        writeln!(
            f,
            "| figure | ours | base | plain TCP | unit | measured | range | must | aim | met |\n|---|---|---|---|---|---|---|---|---|---|"
        )?;
        for row in rows {
            let direct = row.direct.map_or_else(|| "-".to_owned(), number);
            let met = match row.met {
                Met::Aim => "aim",
                Met::Must => "must",
                Met::Missed => "no",
            };
            writeln!(
                f,
                "| {} | {} | {} | {direct} | {} | **{:.2}** | {:.2} to {:.2} | {} | {} | {met} |",
                row.figure,
                number(row.ours),
                number(row.base),
                row.unit,
                row.measured,
                row.range.0,
                row.range.1,
                row.must,
                row.aim,
            )?;
        }
        Ok(())
    }
}

/// Three digits that count.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}
