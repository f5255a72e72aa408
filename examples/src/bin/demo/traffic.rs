use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::application::{Call, Called, Timing};
use crate::flow::{FLOWS, Flow};
use crate::mesh::Mesh;
use crate::progress::tell;

/// How many calls of a flow are open at a time.
const AT_ONCE: usize = 16;
/// How long one may take. A mesh that stands still must fail, not hang.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two calls of a flow that goes on for ever.
const PACE: Duration = Duration::from_millis(80);
/// How often the progress is told.
const TELLING: Duration = Duration::from_secs(2);

/// What came of the calls of a flow.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) flow: Flow,
    pub(crate) timings: Vec<Timing>,
    pub(crate) failures: Vec<String>,
    pub(crate) bytes: u64,
}

/// Makes so many calls of each flow, all flows at a time.
pub(crate) async fn send(mesh: &Arc<Mesh>, calls: u32) -> Result<(Vec<Outcome>, Duration)> {
    let begin = Instant::now();
    let mut flows = JoinSet::new();
    for (index, flow) in FLOWS.into_iter().enumerate() {
        let mesh = Arc::clone(mesh);
        flows.spawn(async move { (index, Outcome::of(&mesh, flow, calls).await) });
    }
    let mut done = Vec::new();
    while let Some(one) = flows.join_next().await {
        done.push(one?);
    }
    done.sort_by_key(|(index, _)| *index);
    let outcomes = done.into_iter().map(|(_, outcome)| outcome).collect();
    Ok((outcomes, begin.elapsed()))
}

/// Makes calls of each flow for ever.
pub(crate) fn keep_on(mesh: &Arc<Mesh>) {
    for flow in FLOWS {
        let mesh = Arc::clone(mesh);
        tokio::spawn(async move {
            let room = Arc::new(Semaphore::new(AT_ONCE));
            let mut pace = interval(PACE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for number in 0.. {
                pace.tick().await;
                let Ok(place) = Arc::clone(&room).acquire_owned().await else {
                    return;
                };
                let mesh = Arc::clone(&mesh);
                tokio::spawn(async move {
                    // What fails, the proxies count.
                    let _ = make(&mesh, flow.call(number)).await;
                    drop(place);
                });
            }
        });
    }
}

async fn make(mesh: &Mesh, call: Call) -> Result<Called> {
    let _not_calm = mesh.calm.read().await;
    let made = timeout(PATIENCE, call.make()).await;
    made.unwrap_or_else(|_| Err(anyhow!("no end after {} s", PATIENCE.as_secs())))
}

impl Outcome {
    async fn of(mesh: &Arc<Mesh>, flow: Flow, calls: u32) -> Self {
        let mut outcome = Self {
            flow,
            timings: Vec::new(),
            failures: Vec::new(),
            bytes: 0,
        };
        let mut open = JoinSet::new();
        let mut told = Instant::now();
        for number in 0..calls {
            if open.len() >= AT_ONCE {
                outcome.note(open.join_next().await);
            }
            if told.elapsed() >= TELLING {
                told = Instant::now();
                outcome.tell(calls);
            }
            let mesh = Arc::clone(mesh);
            open.spawn(async move { make(&mesh, flow.call(number)).await });
        }
        while let Some(done) = open.join_next().await {
            outcome.note(Some(done));
        }
        outcome.tell(calls);
        outcome
    }

    fn note(&mut self, done: Option<Result<Result<Called>, JoinError>>) {
        match done {
            Some(Ok(Ok(called))) => {
                self.bytes += called.bytes;
                self.timings.push(called.timing);
            }
            Some(Ok(Err(error))) => self
                .failures
                .push(format!("{}: {error:#}", self.flow.name())),
            Some(Err(error)) => self.failures.push(error.to_string()),
            None => {}
        }
    }

    fn tell(&self, of: u32) {
        tell(format_args!(
            "{}: {} of {of}",
            self.flow.name(),
            self.timings.len()
        ));
    }

    /// Whether every byte of every call came back.
    pub(crate) const fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }
}
