use std::fmt;
use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::effort::Effort;
use crate::experiment::EXPERIMENTS;
use crate::pair::Pair;
use crate::report::number;
use crate::stage::Stage;

/// What a change of the transport is worth: this build against another.
///
/// The naive relay is left out: its noise would be in every ratio, too.
#[derive(Debug, Serialize)]
pub(crate) struct Duel {
    rounds: usize,
    pairs: Vec<Pair>,
}

impl Duel {
    /// Measures every figure but memory, or those with `only` in their name.
    pub(crate) fn measure(other: &Path, effort: Effort, only: Option<&str>) -> Result<Self> {
        ensure!(
            effort.rounds > 1,
            "an error of the mean takes 2 rounds at least: --rounds 2"
        );
        let mut stage = Stage::set()?;
        let mut pairs = Vec::new();
        for experiment in EXPERIMENTS {
            if only.is_none_or(|only| experiment.is_named(only)) {
                pairs.extend(experiment.duel(&mut stage, other, effort)?);
            }
        }
        Ok(Self {
            rounds: effort.rounds,
            pairs,
        })
    }
}

impl fmt::Display for Duel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} rounds; the ratio is of this to the other\n",
            self.rounds
        )?;
        writeln!(
            f,
            "| figure | this | other | unit | mean ratio | its error | median |\n|---|---|---|---|---|---|---|"
        )?;
        for pair in &self.pairs {
            writeln!(
                f,
                "| {} | {} | {} | {} | **{:.3}** | {:.3} | {:.3} |",
                pair.figure,
                number(pair.this),
                number(pair.other),
                pair.unit,
                pair.ratio,
                pair.error,
                pair.median,
            )?;
        }
        Ok(())
    }
}
