use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hbone_examples::standard_output::print;

use crate::chain::{Chain, Way};
use crate::effort::Effort;
use crate::idle;
use crate::load::Load;
use crate::plot::{Plot, power};
use crate::row::median;
use crate::stage::Stage;

/// One cost of one kind of growth.
struct Series {
    file: &'static str,
    title: &'static str,
    /// What there are more and more of.
    of: &'static str,
    way: Way,
    counts: &'static [usize],
    cost: fn(&mut Stage, Way, usize, Effort) -> Result<f64>,
    unit: &'static str,
}

/// More than linear growth is one with an exponent above this, which leaves room for noise.
const STEEPEST: f64 = 1.1;
const TUNNELS: &[usize] = &[1, 3, 10, 30, 100, 300, 1000];
const CONNECTIONS: &[usize] = &[1, 3, 10, 30, 100, 200];

const SERIES: &[Series] = &[
    Series {
        file: "growth-tunnels-cpu.svg",
        title: "Tunnels on one connection: CPU of 16 requests of 16 KiB on each, both sides",
        of: "tunnels",
        way: Way::Ours(1024),
        counts: TUNNELS,
        cost: cpu,
        unit: "ms",
    },
    Series {
        file: "growth-tunnels-memory.svg",
        title: "Idle tunnels on one connection: memory, both sides",
        of: "tunnels",
        way: Way::Ours(1024),
        counts: TUNNELS,
        cost: memory,
        unit: "KiB",
    },
    Series {
        file: "growth-connections-cpu.svg",
        title: "Connections with one tunnel: CPU of 16 requests of 16 KiB on each, both sides",
        of: "connections",
        way: Way::Ours(1),
        counts: CONNECTIONS,
        cost: cpu,
        unit: "ms",
    },
    Series {
        file: "growth-connections-memory.svg",
        title: "Connections with one idle tunnel: memory, both sides",
        of: "connections",
        way: Way::Ours(1),
        counts: CONNECTIONS,
        cost: memory,
        unit: "KiB",
    },
];

/// Measures and draws every series.
///
/// # Errors
/// If one grows faster than what there is more of.
pub(crate) fn run(folder: &Path, effort: Effort) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut stage = Stage::set()?;
    let mut steep = Vec::new();
    for series in SERIES {
        let mut points = Vec::new();
        for &count in series.counts {
            let cost = (series.cost)(&mut stage, series.way, count, effort)?;
            points.push((count as f64, cost));
        }
        let power = power(&points);
        print(&format!(
            "{}: grows with the power {power:.2}\n",
            series.title
        ))?;
        let plot = Plot {
            title: &format!("{} (power {power:.2})", series.title),
            x: series.of,
            y: series.unit,
            points: &points,
        };
        let file = folder.join(series.file);
        fs::write(&file, plot.to_string())
            .with_context(|| format!("writing {}", file.display()))?;
        if power > STEEPEST {
            steep.push(series.title);
        }
    }
    if !steep.is_empty() {
        bail!("worse than linear: {}", steep.join("; "));
    }
    Ok(())
}

/// In milliseconds, with every connection made before.
fn cpu(stage: &mut Stage, way: Way, count: usize, effort: Effort) -> Result<f64> {
    let chain = warm(stage, way, count)?;
    let load = Load::Exchange {
        to: chain.entry(),
        tunnels: count,
        size: 16 << 10,
        count: 16,
    };
    let mut costs = Vec::new();
    for _ in 0..effort.rounds {
        costs.push(chain.put(&mut stage.application, load.clone())?.cpu * 1e3);
    }
    Ok(median(&costs))
}

/// In KiB.
fn memory(stage: &mut Stage, way: Way, count: usize, _effort: Effort) -> Result<f64> {
    let each: f64 = idle::held(stage, way, count)?.iter().sum();
    Ok(each * count as f64)
}

/// Relays that have had so many tunnels once.
fn warm(stage: &mut Stage, way: Way, tunnels: usize) -> Result<Chain> {
    let chain = stage.chain(way)?;
    let to = chain.entry();
    stage.application.put(Load::Hold { to, tunnels })?;
    stage.application.put(Load::Release)?;
    Ok(chain)
}
