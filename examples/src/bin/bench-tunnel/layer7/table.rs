use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::place::{FAR, HTTP, NEAR, PLAIN, Place};
use super::proxy::Proxy;
use super::way::Way;
use crate::effort::Effort;
use crate::load::{Load, Went};
use crate::process::Process;
use crate::row::median;
use crate::secrets::Secrets;

/// What a request costs by every way.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    rounds: usize,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    way: &'static str,
    cpu: Figure,
    p50: Figure,
    p99: Figure,
}

/// In microseconds; and the median, the least and the most of what it is of the same in plain HTTP in the same round.
#[derive(Debug, Serialize)]
struct Figure {
    median: f64,
    ratio: f64,
    range: (f64, f64),
}

/// Connections at once for processor time; latency is that of one.
const CONNECTIONS: usize = 32;

/// Everything that is there for as long as is measured.
struct Stage {
    place: Place,
    application: Process,
    ingress: Proxy,
    waypoint: Proxy,
    _others: (Proxy, [Process; 3]),
    secrets: Secrets,
}

/// One round by one way: processor time of the proxy a request, and how long one takes alone.
struct Measured {
    cpu: f64,
    alone: Went,
}

impl Table {
    pub(crate) fn measure(effort: Effort) -> Result<Self> {
        let mut stage = Stage::set()?;
        let mut runs: Vec<(Way, Vec<Measured>)> = Vec::new();
        for way in Way::ALL {
            // Once for nothing: connections are made, memory is grown.
            stage.measure(way, effort.tenth())?;
            runs.push((way, Vec::with_capacity(effort.rounds)));
        }
        for round in 0..effort.rounds {
            // Nobody is always first, or always after the same one.
            let count = runs.len();
            for place in 0..count {
                let (way, measured) = &mut runs[(place + round) % count];
                measured.push(stage.measure(*way, effort)?);
            }
        }
        let rows = runs.iter().map(|(way, measured)| {
            let plain = &runs[0].1;
            let figure = |of: fn(&Measured) -> f64| Figure::of(measured, plain, of);
            Row {
                way: way.name(),
                cpu: figure(|measured| measured.cpu * 1e6),
                p50: figure(|measured| measured.alone.p50_nanos as f64 / 1e3),
                p99: figure(|measured| measured.alone.p99_nanos as f64 / 1e3),
            }
        });
        Ok(Self {
            rounds: effort.rounds,
            rows: rows.collect(),
        })
    }
}

impl Figure {
    fn of(measured: &[Measured], plain: &[Measured], of: fn(&Measured) -> f64) -> Self {
        let values: Vec<f64> = measured.iter().map(of).collect();
        let pairs = values.iter().zip(plain.iter().map(of));
        let ratios: Vec<f64> = pairs.map(|(value, plain)| value / plain).collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(0.0, f64::max);
        Self {
            median: median(&values),
            ratio: median(&ratios),
            range: (least, most),
        }
    }
}

impl Stage {
    fn set() -> Result<Self> {
        let secrets = Secrets::create()?;
        let place = Place::new(secrets.folder())?;
        let keys = secrets.folder().to_string_lossy().into_owned();
        let server = |last, port, keys: &[String]| -> Result<Process> {
            let at = place.at(last, port).to_string();
            let arguments = [&["--at".to_owned(), at][..], keys].concat();
            let mut server = Process::spawn("http-server", arguments)?;
            server.address()?;
            Ok(server)
        };
        let keys = ["--secrets".to_owned(), keys];
        let servers = [
            server(PLAIN, HTTP, &[])?,
            server(NEAR, hbone::PORT, &keys)?,
            server(FAR, hbone::PORT, &keys)?,
        ];
        Ok(Self {
            application: Process::spawn("application", [""; 0])?,
            _others: (Proxy::gateway(&place)?, servers),
            ingress: Proxy::ingress(&place)?,
            waypoint: Proxy::waypoint(&place)?,
            place,
            secrets,
        })
    }

    fn measure(&mut self, way: Way, effort: Effort) -> Result<Measured> {
        let before = self.cpu(way)?;
        let count = effort.requests / CONNECTIONS;
        self.application.put(self.load(way, CONNECTIONS, count))?;
        let cpu = (self.cpu(way)? - before) / (count * CONNECTIONS) as f64;
        let alone = self.load(way, 1, effort.round_trips);
        let alone = self.application.put(alone)?;
        Ok(Measured { cpu, alone })
    }

    fn load(&self, way: Way, connections: usize, count: usize) -> Load {
        Load::Requests {
            to: self.place.entry(way),
            host: way.host().to_owned(),
            connections,
            count,
            secrets: way
                .is_by_waypoint()
                .then(|| self.secrets.folder().to_owned()),
        }
    }

    fn cpu(&self, way: Way) -> Result<f64> {
        match way.is_by_waypoint() {
            true => self.waypoint.cpu(),
            false => self.ingress.cpu(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Medians of {} rounds, in \u{b5}s; of plain HTTP's, and the range\n",
            self.rounds
        )?;
        writeln!(
            f,
            "| way | CPU a request | of plain | p50 | of plain | p99 | of plain |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            write!(f, "| {} |", row.way)?;
            for figure in [&row.cpu, &row.p50, &row.p99] {
                let Figure {
                    median,
                    ratio,
                    range,
                } = figure;
                write!(
                    f,
                    " {median:.0} | **{ratio:.2}** ({:.2} to {:.2}) |",
                    range.0, range.1
                )?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
