use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::scenario::Balancing;
use hbone_examples::random::Random;

/// One worker of a gateway, which chooses endpoints without knowing what the other workers choose.
#[derive(Debug)]
pub(crate) struct Balancer {
    balancing: Balancing,
    random: Random,
    /// Earliest deadline first; the bits of a positive float compare as it does.
    deadlines: BinaryHeap<Reverse<(u64, usize)>>,
    time: f64,
}

impl Balancer {
    pub(crate) const fn new(balancing: Balancing, random: Random) -> Self {
        Self {
            balancing,
            random,
            deadlines: BinaryHeap::new(),
            time: 0.0,
        }
    }

    /// The endpoints have changed, or the worker has just started: it begins at a place of its own in its order.
    pub(crate) fn rebuild(&mut self, weights: &[u32]) {
        self.deadlines.clear();
        self.time = 0.0;
        for (endpoint, weight) in weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight > 0)
        {
            let first = self.random.unit() / f64::from(*weight);
            self.deadlines.push(Reverse((first.to_bits(), endpoint)));
        }
    }

    pub(crate) fn choose(&mut self, weights: &[u32], open: &[u32]) -> Option<usize> {
        if self.balancing == Balancing::Random {
            let total: u32 = weights.iter().sum();
            let mut at = self.random.below(total as usize) as u32;
            return weights.iter().position(|weight| {
                let is_it = at < *weight;
                at = at.saturating_sub(*weight);
                is_it
            });
        }
        let Reverse((deadline, endpoint)) = self.deadlines.pop()?;
        self.time = f64::from_bits(deadline);
        let load = match self.balancing {
            Balancing::LeastRequest => f64::from(open[endpoint] + 1),
            Balancing::Random | Balancing::RoundRobin => 1.0,
        };
        let next = self.time + load / f64::from(weights[endpoint]);
        self.deadlines.push(Reverse((next.to_bits(), endpoint)));
        Some(endpoint)
    }
}
