use crate::balancer::Balancer;
use crate::scenario::Scenario;
use hbone_examples::random::Random;

/// The east-west gateway of one network: a few replicas, each with a few workers. A source's outer connection is pinned to one
/// worker until the replica restarts.
#[derive(Debug)]
pub(crate) struct Gateway {
    workers: Vec<Balancer>,
    workers_per_replica: usize,
    /// The worker of each source.
    pins: Vec<usize>,
    /// The weight of each endpoint; 0 while it takes no new streams.
    weights: Vec<u32>,
    /// For each replica, how many streams are open to each endpoint.
    open: Vec<Vec<u32>>,
    random: Random,
}

impl Gateway {
    pub(crate) fn new(scenario: &Scenario, weights: Vec<u32>, mut random: Random) -> Self {
        let (replicas, per_replica) = (scenario.replicas as usize, scenario.workers as usize);
        let workers = (0..replicas * per_replica)
            .map(|_| Balancer::new(scenario.balancing, Random::new(random.bits())));
        let mut gateway = Self {
            workers: workers.collect(),
            workers_per_replica: per_replica,
            pins: (0..scenario.sources)
                .map(|_| random.below(replicas * per_replica))
                .collect(),
            open: vec![vec![0; weights.len()]; replicas],
            weights,
            random,
        };
        gateway.rebuild();
        gateway
    }

    /// Opens a stream for a source: through which replica, and to which endpoint.
    pub(crate) fn open(&mut self, source: usize) -> Option<(usize, usize)> {
        let worker = self.pins[source];
        let replica = worker / self.workers_per_replica;
        let endpoint = self.workers[worker].choose(&self.weights, &self.open[replica])?;
        self.open[replica][endpoint] += 1;
        Some((replica, endpoint))
    }

    pub(crate) fn close(&mut self, replica: usize, endpoint: usize) {
        self.open[replica][endpoint] = self.open[replica][endpoint].saturating_sub(1);
    }

    pub(crate) fn set_weight(&mut self, endpoint: usize, weight: u32) {
        self.weights[endpoint] = weight;
        self.rebuild();
    }

    /// A replica restarts: its sources come back through any of the others.
    pub(crate) fn restart(&mut self, replica: usize) {
        self.open[replica].fill(0);
        for source in 0..self.pins.len() {
            if self.pins[source] / self.workers_per_replica == replica {
                let other = self
                    .random
                    .below(self.workers.len() - self.workers_per_replica);
                let is_before = other < replica * self.workers_per_replica;
                self.pins[source] = if is_before {
                    other
                } else {
                    other + self.workers_per_replica
                };
            }
        }
    }

    /// A replica is back: half of the sources of each other one move over.
    pub(crate) fn rejoin(&mut self, replica: usize) {
        for worker in 0..self.workers_per_replica {
            self.workers[replica * self.workers_per_replica + worker].rebuild(&self.weights);
        }
        let replicas = self.open.len();
        for source in 0..self.pins.len() {
            if self.random.below(replicas) == 0 {
                self.pins[source] = replica * self.workers_per_replica
                    + self.random.below(self.workers_per_replica);
            }
        }
    }

    pub(crate) fn weights(&self) -> &[u32] {
        &self.weights
    }

    fn rebuild(&mut self) {
        for worker in &mut self.workers {
            worker.rebuild(&self.weights);
        }
    }
}
