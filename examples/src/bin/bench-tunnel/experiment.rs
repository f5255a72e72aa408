use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;

use crate::chain::{Chain, Cost, Way};
use crate::effort::Effort;
use crate::load::Load;
use crate::pair::Pair;
use crate::row::{Better, Row};
use crate::stage::Stage;

/// One load, put on ours and on what it is compared with in turn, and the figures that come out.
pub(crate) struct Experiment {
    ours: Way,
    base: Way,
    /// Whether plain TCP says anything about it.
    direct: bool,
    load: fn(SocketAddr, Effort) -> Load,
    figures: &'static [Figure],
}

/// One line of the table.
struct Figure {
    name: &'static str,
    better: Better,
    must: f64,
    aim: f64,
    /// What is compared, in `unit`.
    of: fn(&Cost, Effort) -> f64,
    unit: &'static str,
}

impl Experiment {
    /// Whether one of its figures has a name with `part` in it.
    pub(crate) fn is_named(&self, part: &str) -> bool {
        self.names().any(|name| name.contains(part))
    }

    /// The names of its figures.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.figures.iter().map(|figure| figure.name)
    }

    /// Ours against the base, and plain TCP.
    pub(crate) fn run(&self, stage: &mut Stage, effort: Effort) -> Result<Vec<Row>> {
        let ways = [
            Some(self.ours),
            Some(self.base),
            self.direct.then_some(Way::Direct),
        ];
        let ways = ways.into_iter().flatten();
        let chains: Result<Vec<Chain>> = ways.map(|way| stage.chain(way)).collect();
        let costs = self.in_turn(stage, chains?, effort)?;
        let row = |figure: &Figure| {
            Row::compared(
                figure.name,
                figure.unit,
                &figure.values(&costs, effort),
                figure.better,
                (figure.must, figure.aim),
            )
        };
        Ok(self.figures.iter().map(row).collect())
    }

    /// Ours against ours as `other`, another build of this program, has it.
    pub(crate) fn duel(
        &self,
        stage: &mut Stage,
        other: &Path,
        effort: Effort,
    ) -> Result<Vec<Pair>> {
        let chains = vec![stage.chain(self.ours)?, stage.chain_of(other, self.ours)?];
        let costs = self.in_turn(stage, chains, effort)?;
        let pair =
            |figure: &Figure| Pair::new(figure.name, figure.unit, &figure.values(&costs, effort));
        Ok(self.figures.iter().map(pair).collect())
    }

    /// Puts the load on every chain in turn: what it cost each, round by round.
    fn in_turn(
        &self,
        stage: &mut Stage,
        chains: Vec<Chain>,
        effort: Effort,
    ) -> Result<Vec<Vec<Cost>>> {
        for chain in &chains {
            // Once for nothing: connections are made, memory is grown.
            let load = (self.load)(chain.entry(), effort.tenth());
            chain.put(&mut stage.application, load)?;
        }
        let count = chains.len();
        let mut costs = vec![Vec::with_capacity(effort.rounds); count];
        for round in 0..effort.rounds {
            // Whoever was first is last next time, so that no order favours anybody.
            for place in 0..count {
                let place = if round % 2 == 0 {
                    place
                } else {
                    count - 1 - place
                };
                let load = (self.load)(chains[place].entry(), effort);
                costs[place].push(chains[place].put(&mut stage.application, load)?);
            }
        }
        Ok(costs)
    }
}

impl Figure {
    /// The figure of each chain, round by round.
    fn values(&self, costs: &[Vec<Cost>], effort: Effort) -> Vec<Vec<f64>> {
        let of = |costs: &Vec<Cost>| costs.iter().map(|cost| (self.of)(cost, effort)).collect();
        costs.iter().map(of).collect()
    }
}

fn cpu_a_gigabyte(cost: &Cost, effort: Effort) -> f64 {
    cost.cpu * 1e9 / effort.bulk as f64
}

fn megabytes_a_second(cost: &Cost, effort: Effort) -> f64 {
    effort.bulk as f64 / 1e6 / cost.went.seconds
}

fn cpu_a_connection(cost: &Cost, effort: Effort) -> f64 {
    cost.cpu * 1e6 / effort.connects as f64
}

fn cpu_a_request(cost: &Cost, effort: Effort) -> f64 {
    cost.cpu * 1e6 / effort.requests as f64
}

fn p50(cost: &Cost, _effort: Effort) -> f64 {
    cost.went.p50_nanos as f64 / 1e3
}

fn p99(cost: &Cost, _effort: Effort) -> f64 {
    cost.went.p99_nanos as f64 / 1e3
}

const fn bulk(to: SocketAddr, effort: Effort, tunnels: usize) -> Load {
    Load::Bulk {
        to,
        tunnels,
        bytes: effort.bulk / tunnels as u64,
    }
}

const fn connect(to: SocketAddr, effort: Effort) -> Load {
    Load::Connect {
        to,
        count: effort.connects,
    }
}

/// What the table has, but for memory.
pub(crate) const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        ours: Way::Ours(100),
        base: Way::Naive,
        direct: true,
        load: |to, effort| bulk(to, effort, 1),
        figures: &[
            Figure {
                name: "bulk, 1 tunnel: CPU a gigabyte, both sides",
                better: Better::Less,
                must: 0.95,
                aim: 0.75,
                of: cpu_a_gigabyte,
                unit: "s/GB",
            },
            Figure {
                name: "bulk, 1 tunnel: throughput",
                better: Better::More,
                must: 1.0,
                aim: 1.2,
                of: megabytes_a_second,
                unit: "MB/s",
            },
        ],
    },
    Experiment {
        ours: Way::Ours(100),
        base: Way::Naive,
        direct: false,
        load: |to, effort| bulk(to, effort, 4),
        figures: &[Figure {
            name: "bulk, 4 tunnels on one connection: CPU a gigabyte",
            better: Better::Less,
            must: 0.85,
            aim: 0.7,
            of: cpu_a_gigabyte,
            unit: "s/GB",
        }],
    },
    Experiment {
        ours: Way::Ours(100),
        base: Way::Naive,
        direct: false,
        load: |to, effort| bulk(to, effort, 16),
        figures: &[Figure {
            name: "bulk, 16 tunnels on one connection: CPU a gigabyte",
            better: Better::Less,
            must: 0.85,
            aim: 0.7,
            of: cpu_a_gigabyte,
            unit: "s/GB",
        }],
    },
    Experiment {
        ours: Way::Ours(100),
        base: Way::Naive,
        direct: true,
        load: |to, effort| Load::Exchange {
            to,
            tunnels: 1,
            size: 1,
            count: effort.round_trips,
        },
        figures: &[
            Figure {
                name: "1-byte round trip: p50",
                better: Better::Less,
                must: 1.2,
                aim: 1.05,
                of: p50,
                unit: "µs",
            },
            Figure {
                name: "1-byte round trip: p99",
                better: Better::Less,
                must: 1.4,
                aim: 1.1,
                of: p99,
                unit: "µs",
            },
        ],
    },
    Experiment {
        ours: Way::Ours(100),
        base: Way::Naive,
        direct: false,
        load: connect,
        figures: &[Figure {
            name: "connect, a byte each way, close, warm: CPU a connection",
            better: Better::Less,
            must: 0.6,
            aim: 0.35,
            of: cpu_a_connection,
            unit: "µs",
        }],
    },
    Experiment {
        ours: Way::Ours(100),
        base: Way::Naive,
        direct: false,
        load: |to, effort| Load::Exchange {
            to,
            tunnels: 64,
            size: 16 << 10,
            count: effort.requests / 64,
        },
        figures: &[Figure {
            name: "16 KiB request and answer, 64 tunnels: CPU a request",
            better: Better::Less,
            must: 1.0,
            aim: 0.85,
            of: cpu_a_request,
            unit: "µs",
        }],
    },
    Experiment {
        ours: Way::Double,
        base: Way::Nested,
        direct: false,
        load: |to, effort| bulk(to, effort, 1),
        figures: &[Figure {
            name: "double, bulk: CPU a gigabyte, of TLS in TLS",
            better: Better::Less,
            must: 1.1,
            aim: 0.9,
            of: cpu_a_gigabyte,
            unit: "s/GB",
        }],
    },
    Experiment {
        ours: Way::Double,
        base: Way::Ours(100),
        direct: false,
        load: connect,
        figures: &[Figure {
            name: "double, warm inner pool: connect p50, of a single hop's",
            better: Better::Less,
            must: 2.0,
            aim: 1.5,
            of: p50,
            unit: "µs",
        }],
    },
];
