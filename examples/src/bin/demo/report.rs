use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::application::Timing;
use crate::census::{self, Edge, OPENED, edges};
use crate::flow::{Client, FLOWS, Flow};
use crate::hops::SeenHop;
use crate::mesh::Mesh;
use crate::scrape::Sample;
use crate::topology::{CLIENT, STOCK, picture};
use crate::traffic::Outcome;
use crate::ui::Proxy;

/// What the run showed. Its fields are the JSON document.
///
/// `connections`, `bytes`, `hops`, `distribution` and `timing` are about the first flow, the connections across networks;
/// all else is about all of them.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) connections: usize,
    pub(crate) bytes_ok: bool,
    pub(crate) bytes: u64,
    pub(crate) baggage: bool,
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) flows: Vec<Told>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) hops: Vec<SeenHop>,
    pub(crate) metrics: Vec<Sample>,
    pub(crate) unknown_labels: usize,
    pub(crate) distribution: BTreeMap<&'static str, u64>,
    pub(crate) timing: Timings,
    pub(crate) failures: Vec<String>,
}

/// What came of one flow.
#[derive(Serialize)]
pub(crate) struct Told {
    pub(crate) client: Client,
    pub(crate) service: String,
    pub(crate) way: &'static str,
    pub(crate) crosses_networks: bool,
    pub(crate) calls: usize,
    pub(crate) failed: usize,
    pub(crate) bytes: u64,
    #[serde(skip)]
    flow: Flow,
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
    pub(crate) fn new(
        mesh: &Mesh,
        outcomes: Vec<Outcome>,
        elapsed: Duration,
        metrics: Vec<Sample>,
        hops: Vec<SeenHop>,
    ) -> Self {
        let first = outcomes.first();
        let timings = first.map_or(&[][..], |outcome| &outcome.timings);
        let edges = edges(&metrics);
        Self {
            connections: timings.len(),
            bytes_ok: outcomes.iter().all(Outcome::is_complete),
            bytes: first.map_or(0, |outcome| outcome.bytes),
            baggage: *mesh.switches.baggage().borrow(),
            unknown_labels: edges.iter().map(|edge| edge.unknown.len()).sum(),
            proxies: picture().proxies,
            edges,
            hops,
            metrics,
            distribution: mesh
                .servers
                .iter()
                .filter(|server| STOCK.endpoints().any(|party| party.name == server.name))
                .map(|server| (server.name, server.served()))
                .collect(),
            timing: Timings::new(timings, elapsed),
            flows: outcomes.iter().map(Told::new).collect(),
            failures: outcomes
                .into_iter()
                .flat_map(|outcome| outcome.failures)
                .collect(),
        }
    }

    /// Whether the mesh did what it is for.
    pub(crate) const fn is_good(&self) -> bool {
        self.bytes_ok && self.failures.is_empty() && (!self.baggage || self.unknown_labels == 0)
    }
}

impl Told {
    fn new(outcome: &Outcome) -> Self {
        let flow = outcome.flow;
        Self {
            client: flow.client,
            service: flow.service.host(),
            way: flow.way,
            crosses_networks: flow.crosses_networks(),
            calls: outcome.timings.len(),
            failed: outcome.failures.len(),
            bytes: outcome.bytes,
            flow,
        }
    }
}

impl Timings {
    fn new(timings: &[Timing], run: Duration) -> Self {
        let sorted = |pick: fn(&Timing) -> Duration| {
            let mut all: Vec<_> = timings.iter().map(pick).collect();
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
            run: milliseconds(run),
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
            "{} in network-a -> {} in network-b, baggage {exchange}\n",
            CLIENT.name,
            STOCK.host()
        )?;
        for hop in &self.hops {
            hop.write(f)?;
        }
        writeln!(f, "METRIC LABELS of these connections (a column a series)")?;
        self.write_labels(f)?;
        writeln!(
            f,
            "\nWHO TALKED TO WHOM, as the proxies of both networks count it"
        )?;
        census::write(f, &self.edges)?;
        writeln!(f, "\nFLOWS")?;
        for told in &self.flows {
            let (name, failed) = (told.flow.name(), told.failed);
            writeln!(
                f,
                "  {name:<24} {:>6} right, {failed} failed   {}",
                told.calls, told.way
            )?;
        }
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
        let calls: usize = self.flows.iter().map(|told| told.calls).sum();
        writeln!(
            f,
            "\n{calls} connections and requests in {} flows, {}; {} labels are `unknown`",
            FLOWS.len(),
            if self.bytes_ok {
                "every byte right"
            } else {
                "NOT all right"
            },
            self.unknown_labels,
        )
    }
}

impl Report {
    fn write_labels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = STOCK.host();
        let is_shown = |sample: &&Sample| {
            let endpoints = STOCK.endpoints().map(|party| party.name);
            sample.name == OPENED
                && sample.label("destination_service") == host
                && [CLIENT.name]
                    .into_iter()
                    .chain(endpoints)
                    .any(|name| name == sample.proxy)
        };
        let series: Vec<_> = self.metrics.iter().filter(is_shown).collect();
        let Some(first) = series.first() else {
            return writeln!(f, "  none");
        };
        for name in first.labels.keys() {
            let values: Vec<_> = series.iter().map(|series| series.label(name)).collect();
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
            "outer" => "OUTER HOP: node proxy a -> east-west gateway",
            _ => "INNER HOP: node proxy a -> node proxy b, inside the outer one",
        };
        writeln!(f, "{name}")?;
        writeln!(f, "  client  {}\n  server  {}", self.client, self.server)?;
        writeln!(f, "  CONNECT {}", self.authority)?;
        for (name, value) in &self.request {
            writeln!(f, "    {name}: {value}")?;
        }
        writeln!(f, "  200")?;
        for (name, value) in &self.response {
            writeln!(f, "    {name}: {value}")?;
        }
        writeln!(f)
    }
}
