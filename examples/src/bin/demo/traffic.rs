use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::application::{Timing, call};
use crate::topology::Topology;

/// How many connections are open at a time.
const AT_ONCE: u32 = 16;
/// The sizes of the requests, in turn: from a byte to several windows' worth of frames.
const SIZES: [usize; 5] = [1, 1_000, 16_384, 100_000, 300_000];
/// How long one may take. A mesh that stands still must fail, not hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of all connections.
pub(crate) struct Outcome {
    pub(crate) timings: Vec<Timing>,
    pub(crate) failures: Vec<String>,
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
}

/// Sends connections from the application to the service.
pub(crate) async fn send(requests: u32) -> Outcome {
    let begin = Instant::now();
    let mut outcome = Outcome {
        timings: Vec::new(),
        failures: Vec::new(),
        bytes: 0,
        elapsed: Duration::ZERO,
    };
    let (from, address) = (Topology::application(), Topology::virtual_address());
    let mut calls = JoinSet::new();
    for number in 0..requests {
        if calls.len() >= AT_ONCE as usize {
            outcome.note(calls.join_next().await);
        }
        let size = SIZES[number as usize % SIZES.len()];
        calls.spawn(async move {
            let called = timeout(PATIENCE, call(from, address, number, size)).await;
            let late = |_| Err(anyhow!("no end after {} s", PATIENCE.as_secs()));
            (size, called.unwrap_or_else(late))
        });
    }
    while let Some(done) = calls.join_next().await {
        outcome.note(Some(done));
    }
    outcome.elapsed = begin.elapsed();
    outcome
}

impl Outcome {
    fn note(&mut self, done: Option<Result<(usize, Result<Timing>), tokio::task::JoinError>>) {
        match done {
            Some(Ok((size, Ok(timing)))) => {
                self.bytes += size as u64;
                self.timings.push(timing);
            }
            Some(Ok((_, Err(error)))) => self.failures.push(format!("{error:#}")),
            Some(Err(error)) => self.failures.push(error.to_string()),
            None => {}
        }
    }

    /// Whether every byte of every connection came back.
    pub(crate) const fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }
}
