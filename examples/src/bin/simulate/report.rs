use std::fmt;
use std::sync::Mutex;
use std::thread;

use serde::Serialize;

use crate::network::{Network, Outcome};
use crate::scenario::{Balancing, Scenario};
use crate::windows::Deviation;

/// The result of all runs.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    scenario: Scenario,
    on: Summary,
    off: Summary,
    /// Shorter runs with the spread on and other ways of balancing.
    others: Vec<Other>,
}

impl Report {
    pub(crate) fn run(scenario: &Scenario, with_others: bool) -> Self {
        let shorter = |balancing| Scenario {
            balancing,
            minutes: scenario.minutes.min(5),
            ..scenario.clone()
        };
        let others: Vec<Scenario> = [
            Balancing::LeastRequest,
            Balancing::Random,
            Balancing::RoundRobin,
        ]
        .into_iter()
        .filter(|balancing| with_others && *balancing != scenario.balancing)
        .map(shorter)
        .collect();
        let mut runs = vec![(scenario, true), (scenario, false)];
        for other in &others {
            runs.extend([(other, true), (other, false)]);
        }
        let mut summaries = run_all(&runs).into_iter();
        let mut next = || summaries.next().unwrap_or_default();
        Self {
            scenario: scenario.clone(),
            on: next(),
            off: next(),
            others: others
                .iter()
                .map(|other| Other {
                    gateway: other.balancing,
                    minutes: other.minutes,
                    on: next(),
                    off: next(),
                })
                .collect(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scenario {
            sources,
            networks,
            endpoints,
            minutes,
            balancing,
            ..
        } = &self.scenario;
        writeln!(
            f,
            "{sources} sources, {networks} networks, {endpoints} endpoints, {minutes} virtual minutes, {balancing:?} gateways"
        )?;
        for (name, summary) in [("on", &self.on), ("off", &self.off)] {
            writeln!(
                f,
                "spread {name}: {} requests, {} failed",
                summary.requests, summary.failed
            )?;
            writeln!(
                f,
                "spread {name}: {:.0} connections held",
                summary.connections_held
            )?;
            writeln!(f, "spread {name}: {} handshakes", summary.handshakes)?;
            writeln!(
                f,
                "spread {name}: {:.1} requests a handshake",
                summary.requests_a_handshake
            )?;
            let (counted, left_out) = (summary.windows, summary.windows_left_out);
            writeln!(
                f,
                "spread {name}: {counted} windows counted, {left_out} left out (a change of membership)"
            )?;
            writeln!(
                f,
                "spread {name}: mean deviation {}",
                percent(summary.mean_deviation_percent, 2)
            )?;
        }
        for other in &self.others {
            let Other {
                gateway,
                minutes,
                on,
                off,
            } = other;
            writeln!(
                f,
                "for comparison, {gateway:?} gateways, {minutes} min: {} on, {} off at most; {} on, {} off in the mean",
                percent(on.largest_deviation_percent, 1),
                percent(off.largest_deviation_percent, 1),
                percent(on.mean_deviation_percent, 2),
                percent(off.mean_deviation_percent, 2)
            )?;
        }
        writeln!(
            f,
            "spread on: largest deviation {}",
            percent(self.on.largest_deviation_percent, 1)
        )?;
        writeln!(
            f,
            "spread off: largest deviation {}",
            percent(self.off.largest_deviation_percent, 1)
        )
    }
}

fn percent(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(
        || "not known, for want of a window".to_owned(),
        |value| format!("{value:.decimals$} %"),
    )
}

#[derive(Debug, Serialize)]
struct Other {
    gateway: Balancing,
    minutes: u32,
    on: Summary,
    off: Summary,
}

/// The result of one run over all networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Summary {
    requests: u64,
    failed: u64,
    handshakes: u64,
    requests_a_handshake: f64,
    /// In the mean, over all sources and networks.
    connections_held: f64,
    /// Of a run in which no window was counted, there is none.
    largest_deviation_percent: Option<f64>,
    mean_deviation_percent: Option<f64>,
    windows: u64,
    windows_left_out: u64,
}

impl Summary {
    fn of(outcomes: &[Outcome]) -> Self {
        let total = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
        let deviation = outcomes
            .iter()
            .map(|outcome| outcome.deviation)
            .fold(Deviation::default(), Deviation::join);
        let (requests, handshakes) = (
            total(|outcome| outcome.requests),
            total(|outcome| outcome.handshakes),
        );
        let percent = |share: f64| (deviation.windows > 0).then_some(100.0 * share);
        let held = |outcome: &Outcome| outcome.held as f64 / outcome.samples.max(1) as f64;
        Self {
            requests,
            failed: total(|outcome| outcome.failed),
            handshakes,
            requests_a_handshake: requests as f64 / handshakes.max(1) as f64,
            connections_held: outcomes.iter().map(held).sum(),
            largest_deviation_percent: percent(deviation.largest),
            mean_deviation_percent: percent(deviation.mean()),
            windows: deviation.windows,
            windows_left_out: deviation.windows_left_out,
        }
    }
}

/// Every network of every run is by itself, so they share the processors; which runs when changes nothing.
fn run_all(runs: &[(&Scenario, bool)]) -> Vec<Summary> {
    let mut jobs = Vec::new();
    for (run, (scenario, _)) in runs.iter().enumerate() {
        jobs.extend((0..scenario.networks).map(|network| (run, network)));
    }
    jobs.reverse();
    let jobs = Mutex::new(jobs);
    let outcomes = Mutex::new(vec![Vec::new(); runs.len()]);
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                while let Some((run, network)) = jobs.lock().ok().and_then(|mut jobs| jobs.pop()) {
                    let (scenario, is_spread) = runs[run];
                    let outcome = Network::new(scenario, network, is_spread).run();
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes[run].push((network, outcome));
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_default();
    outcomes
        .into_iter()
        .map(|mut outcomes| {
            outcomes.sort_by_key(|(network, _)| *network);
            Summary::of(
                &outcomes
                    .into_iter()
                    .map(|(_, outcome)| outcome)
                    .collect::<Vec<_>>(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(balancing: Balancing) -> Scenario {
        Scenario {
            sources: 60,
            networks: 1,
            endpoints: 10,
            minutes: 8,
            balancing,
            deploy_each_minutes: 4,
            restart_each_minutes: 5,
            ..Scenario::default()
        }
    }

    #[test]
    fn spreading_keeps_requests_near_the_weights_at_fifty_requests_a_handshake() {
        let report = Report::run(&small(Balancing::RoundRobin), false);
        assert!(report.on.windows > 0);
        assert_eq!(report.on.failed, 0);
        assert!(report.on.requests_a_handshake >= 50.0, "{report}");
        let largest = |summary: &Summary| summary.largest_deviation_percent.expect("a window");
        assert!(largest(&report.on) * 3.0 < largest(&report.off), "{report}");
    }

    #[test]
    fn a_run_without_a_window_claims_no_deviation() {
        let scenario = Scenario {
            minutes: 1,
            ..small(Balancing::RoundRobin)
        };
        let report = Report::run(&scenario, false);
        assert_eq!(
            (report.on.windows, report.on.largest_deviation_percent),
            (0, None)
        );
        let told = report.to_string();
        assert!(
            told.contains("largest deviation not known, for want of a window"),
            "{told}"
        );
    }

    #[test]
    fn a_seed_repeats_a_run_to_the_last_figure() {
        let scenario = small(Balancing::Random);
        let [one, other] = [(); 2].map(|()| run_all(&[(&scenario, true)]));
        assert_eq!(one, other);
        let changed = Scenario {
            seed: 2,
            ..scenario
        };
        assert_ne!(run_all(&[(&changed, true)]), one);
    }
}
