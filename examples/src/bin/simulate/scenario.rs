use std::num::NonZeroU32;
use std::time::Duration;

use clap::ValueEnum;
use hbone::pool::Spread;
use serde::Serialize;

/// What is simulated.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) minutes: u32,
    pub(crate) sources: u32,
    pub(crate) networks: u32,
    /// Over all networks.
    pub(crate) endpoints: u32,
    /// The mean over the sources of requests a second to each network. A source has from half to twice of it.
    pub(crate) requests_per_second: f64,
    pub(crate) balancing: Balancing,
    /// Every so many minutes an endpoint of a network is replaced: it says GOAWAY, is gone 10 s later, and its successor comes then.
    pub(crate) deploy_each_minutes: u32,
    /// Every so many minutes one replica of a network's gateway restarts, and all streams through it are lost.
    pub(crate) restart_each_minutes: u32,
    /// One endpoint in so many is ten times slower, for five minutes in every ten.
    pub(crate) slow_one_in: u32,
    /// How many endpoint choosers each gateway has: replicas, and workers that each balance on their own.
    pub(crate) replicas: u32,
    pub(crate) workers: u32,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 1,
            minutes: 60,
            sources: 1000,
            networks: 3,
            endpoints: 300,
            requests_per_second: 7.0,
            balancing: Balancing::RoundRobin,
            deploy_each_minutes: 7,
            restart_each_minutes: 19,
            slow_one_in: 20,
            replicas: 2,
            workers: 2,
        }
    }
}

impl Scenario {
    pub(crate) const fn endpoints_per_network(&self) -> u32 {
        self.endpoints / self.networks
    }

    /// The spread that a source asks for, given the weight of all endpoints of a network.
    pub(crate) fn spread(&self, weight: u32) -> Spread {
        Spread::by_weight(weight).requests(REQUESTS).age(AGE)
    }
}

/// How a gateway chooses an endpoint for an outer stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Balancing {
    /// The weight divided by the open streams, each worker by earliest deadline first: Envoy's least request with weights. Where
    /// streams live long its shares tend to the roots of the weights.
    LeastRequest,
    /// Each stream by weighted chance, as ztunnel does.
    Random,
    /// Each worker in turn by weight, by earliest deadline first: Envoy's weighted round robin.
    RoundRobin,
}

/// Requests for each inner connection.
const REQUESTS: NonZeroU32 = NonZeroU32::new(55).unwrap();

/// The most that an inner connection takes requests.
const AGE: Duration = Duration::from_secs(60);
