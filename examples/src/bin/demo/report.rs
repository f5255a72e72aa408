use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use peer_meta::labels::{TcpLabels, UNKNOWN};
use serde::Serialize;

use crate::application::Timing;
use crate::hops::{Hop, Place};
use crate::metrics::Sample;
use crate::running::Running;
use crate::topology::SERVICE;
use crate::traffic::Outcome;

/// What the run showed. Its fields are the JSON document.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) connections: usize,
    pub(crate) bytes_ok: bool,
    pub(crate) bytes: u64,
    pub(crate) baggage: bool,
    pub(crate) hops: Vec<SeenHop>,
    pub(crate) metrics: Vec<Sample>,
    pub(crate) unknown_labels: usize,
    pub(crate) distribution: BTreeMap<String, u64>,
    pub(crate) timing: Timings,
    pub(crate) failures: Vec<String>,
    #[serde(skip)]
    series: Vec<TcpLabels>,
}

#[derive(Serialize)]
pub(crate) struct SeenHop {
    pub(crate) hop: Place,
    #[serde(flatten)]
    pub(crate) seen: Hop,
}

/// All in milliseconds.
#[derive(Serialize)]
pub(crate) struct Timings {
    pub(crate) first_byte_p50: f64,
    pub(crate) first_byte_p99: f64,
    pub(crate) connection_p50: f64,
    pub(crate) connection_p99: f64,
    pub(crate) run: f64,
}

impl Report {
    pub(crate) fn new(mesh: &Running, outcome: Outcome, baggage: bool) -> Self {
        let series = mesh.topology.metrics.series();
        let hops = mesh.topology.hops.all().into_iter();
        Self {
            connections: outcome.timings.len(),
            bytes_ok: outcome.is_complete(),
            bytes: outcome.bytes,
            baggage,
            hops: hops.map(|(hop, seen)| SeenHop { hop, seen }).collect(),
            metrics: mesh.topology.metrics.samples(),
            unknown_labels: series.iter().map(TcpLabels::unknown).sum(),
            distribution: mesh
                .pods
                .iter()
                .map(|pod| (pod.name().to_owned(), pod.served()))
                .collect(),
            timing: Timings::new(&outcome),
            failures: outcome.failures,
            series,
        }
    }

    /// Whether the mesh did what it is for.
    pub(crate) const fn is_good(&self) -> bool {
        self.bytes_ok && (!self.baggage || self.unknown_labels == 0)
    }
}

impl Timings {
    fn new(outcome: &Outcome) -> Self {
        let sorted = |pick: fn(&Timing) -> Duration| {
            let mut all: Vec<_> = outcome.timings.iter().map(pick).collect();
            all.sort_unstable();
            all
        };
        let (first, total) = (
            sorted(|timing| timing.first_byte),
            sorted(|timing| timing.total),
        );
        Self {
            first_byte_p50: percentile(&first, 50),
            first_byte_p99: percentile(&first, 99),
            connection_p50: percentile(&total, 50),
            connection_p99: percentile(&total, 99),
            run: milliseconds(outcome.elapsed),
        }
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().map_or(0.0, milliseconds)
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e5).round() / 100.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exchange = if self.baggage { "on" } else { "off" };
        writeln!(
            f,
            "client in network-a -> {SERVICE} in network-b, baggage {exchange}\n"
        )?;
        for hop in &self.hops {
            hop.write(f)?;
        }
        writeln!(f, "METRIC LABELS (one column a series)")?;
        self.write_labels(f)?;
        writeln!(f, "\nCONNECTIONS BY POD")?;
        for (pod, count) in &self.distribution {
            let share = 100.0 * *count as f64 / self.connections.max(1) as f64;
            writeln!(f, "  {pod:<12} {count:>6}  {share:>5.1} %")?;
        }
        let timing = &self.timing;
        writeln!(f, "\nTIMING (milliseconds)            p50       p99")?;
        writeln!(
            f,
            "  first byte, cold tunnels {:>9.2} {:>9.2}",
            timing.first_byte_p50, timing.first_byte_p99
        )?;
        writeln!(
            f,
            "  whole connection         {:>9.2} {:>9.2}",
            timing.connection_p50, timing.connection_p99
        )?;
        writeln!(f, "  the run took {:.0} ms", timing.run)?;
        for failure in self.failures.iter().take(10) {
            writeln!(f, "  FAILED: {failure}")?;
        }
        writeln!(
            f,
            "\n{} connections, {} bytes there and back, {}; {} labels are `unknown`",
            self.connections,
            self.bytes,
            if self.bytes_ok {
                "every one right"
            } else {
                "NOT all right"
            },
            self.unknown_labels,
        )
    }
}

impl Report {
    fn write_labels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.series.first() else {
            return writeln!(f, "  none");
        };
        for (name, _) in first.iter() {
            let values: Vec<_> = self
                .series
                .iter()
                .map(|series| series.get(name).unwrap_or(UNKNOWN))
                .collect();
            let same = values.windows(2).all(|pair| pair[0] == pair[1]);
            let shown = if same {
                values[0].to_owned()
            } else {
                values.join(" | ")
            };
            writeln!(f, "  {name:<31} {shown}")?;
        }
        Ok(())
    }
}

impl SeenHop {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.hop {
            Place::Outer => "OUTER HOP: node proxy a -> east-west gateway",
            Place::Inner => "INNER HOP: node proxy a -> node proxy b, inside the outer one",
        };
        writeln!(f, "{name}")?;
        writeln!(
            f,
            "  client  {}\n  server  {}",
            self.seen.client, self.seen.server
        )?;
        writeln!(f, "  CONNECT {}", self.seen.authority)?;
        for (name, value) in &self.seen.request {
            writeln!(f, "    {name}: {value}")?;
        }
        writeln!(f, "  200")?;
        for (name, value) in &self.seen.response {
            writeln!(f, "    {name}: {value}")?;
        }
        writeln!(f)
    }
}
