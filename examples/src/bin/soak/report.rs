use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::tally::Counts;

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) seconds: u64,
    pub(crate) tunnels: Counts,
    /// Open at once, in the middle of all samples after warm-up.
    pub(crate) open_tunnels: usize,
    /// Connections that servers held at once, in the middle of the same samples.
    pub(crate) connections: usize,
    pub(crate) drains: u64,
    pub(crate) crashes: u64,
    pub(crate) rotations: u64,
    pub(crate) revocations: u64,
    /// Until the last tunnel of a revoked peer was gone, in milliseconds.
    pub(crate) slowest_revocation_ms: f64,
    pub(crate) memory_kib_per_minute: Option<f64>,
    pub(crate) resident_kib: u64,
    pub(crate) checks: Vec<Check>,
}

/// Something that must hold.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) holds: bool,
    pub(crate) found: String,
}

impl Check {
    pub(crate) fn new(name: &'static str, holds: bool, found: impl fmt::Display) -> Self {
        Self {
            name,
            holds,
            found: found.to_string(),
        }
    }

    /// Whether memory stands still.
    ///
    /// A process that has just begun to share memory among its threads grows by a step now and then, which over a few seconds
    /// looks like a steep slope. So a run with less than 30 s to judge is held to something coarser, which only a gross leak
    /// exceeds, and says so.
    pub(crate) fn memory(slope: Option<f64>, judged: Duration) -> Self {
        const NAME: &str = "memory";
        let Some(slope) = slope else {
            return Self::new(NAME, false, "too few samples");
        };
        let slope = slope * 1024.0 / 1e6;
        if judged >= ENOUGH {
            let found = format!("{slope:+.2} MB a minute, allowed 1");
            return Self::new(NAME, slope < 1.0, found);
        }
        let growth = slope * judged.as_secs_f64() / 60.0;
        let found = format!(
            "{growth:+.1} MB in {judged:.1?}, allowed {COARSE} (too short for the limit of 1 MB a minute)"
        );
        Self::new(NAME, growth < COARSE, found)
    }
}

/// How long memory is watched before its slope is held to 1 MB a minute.
const ENOUGH: Duration = Duration::from_secs(30);

/// What is allowed in less time, in MB.
const COARSE: f64 = 48.0;

impl Report {
    pub(crate) fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} tunnels ended as they should, {} were lost to faults; {} open at once over {} connections",
            self.tunnels.good(),
            self.tunnels.lost_to_faults,
            self.open_tunnels,
            self.connections,
        )?;
        for (ended, count) in &self.tunnels.ended {
            writeln!(f, "  {count:8} {ended:?}")?;
        }
        writeln!(
            f,
            "faults: {} drains, {} crashes, {} rotations, {} revocations (slowest {:.0} ms)",
            self.drains, self.crashes, self.rotations, self.revocations, self.slowest_revocation_ms,
        )?;
        for example in &self.tunnels.examples {
            writeln!(f, "  {example}")?;
        }
        for check in &self.checks {
            let verdict = if check.holds { "ok" } else { "FAILED" };
            writeln!(f, "{verdict:>6} {}: {}", check.name, check.found)?;
        }
        write!(
            f,
            "{} (seed {})",
            if self.holds() { "all holds" } else { "FAILED" },
            self.seed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_held_to_a_megabyte_a_minute_where_there_is_time_to_tell() {
        let check = |kib, seconds| Check::memory(Some(kib), Duration::from_secs(seconds)).holds;
        assert!(check(900.0, 40) && check(-5_000.0, 40));
        assert!(!check(1_000.0, 40));
        assert!(check(10_000.0, 6));
        assert!(!check(1_000_000.0, 6));
        assert!(!Check::memory(None, ENOUGH).holds);
    }
}
