use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::mesh::Way;
use crate::trouble::Trouble;

/// How tunnels have ended so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    open: Arc<AtomicUsize>,
    counts: Mutex<Counts>,
}

/// A tunnel that came to the end that was meant for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    Whole,
    HalfClosed,
    ResetByCaller,
    ResetByApplication,
    GivenUp,
    Refused,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) ended: BTreeMap<Ended, u64>,
    /// Lost to a fault that was announced.
    pub(crate) lost_to_faults: u64,
    /// Failed though nothing was wrong, or in a way that no fault explains.
    pub(crate) unexpected: u64,
    /// Bytes that were not as they were sent, or an end of file where there was none.
    pub(crate) corrupt: u64,
    /// What the first of either looked like.
    pub(crate) examples: Vec<String>,
}

const EXAMPLES: u64 = 10;

impl Tally {
    pub(crate) fn note(&self, way: Way, outcome: Result<Ended, Trouble>, hit: bool) {
        let mut counts = self.lock();
        match outcome {
            Ok(ended) => *counts.ended.entry(ended).or_default() += 1,
            Err(trouble) if trouble.is_corruption() => {
                counts.corrupt += 1;
                let nth = counts.corrupt;
                counts.example(nth, way, &trouble);
            }
            Err(trouble) if hit && trouble.is_loss() => counts.lost_to_faults += 1,
            Err(trouble) => {
                counts.unexpected += 1;
                let nth = counts.unexpected;
                counts.example(nth, way, &trouble);
            }
        }
    }

    /// One more tunnel is open until what is returned is dropped.
    pub(crate) fn opened(&self) -> OpenTunnel {
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenTunnel(Arc::clone(&self.open))
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// How many came to the end that was meant for them.
    pub(crate) fn good(&self) -> u64 {
        self.ended.values().sum()
    }

    fn example(&mut self, nth: u64, way: Way, trouble: &Trouble) {
        if nth <= EXAMPLES {
            self.examples.push(format!("{way:?}: {trouble}"));
        }
    }
}

pub(crate) struct OpenTunnel(Arc<AtomicUsize>);

impl Drop for OpenTunnel {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use hbone::{Cut, TunnelError};

    use super::*;
    use crate::pattern::Direction;

    #[test]
    fn a_fault_excuses_a_loss_and_never_a_wrong_byte() {
        let tally = Tally::default();
        let corrupt = Trouble::Corrupt {
            direction: Direction::Up,
            at: 0,
        };
        let loss = Trouble::Socket(ErrorKind::ConnectionReset);
        let own = Trouble::Tunnel(TunnelError::Cut(Cut::Internal));
        tally.note(Way::Double, Ok(Ended::Whole), true);
        tally.note(Way::Double, Err(loss.clone()), true);
        tally.note(Way::Double, Err(loss), false);
        tally.note(Way::Double, Err(own), true);
        tally.note(Way::Double, Err(corrupt), true);
        let counts = tally.counts();
        assert_eq!(counts.good(), 1);
        assert_eq!(
            (counts.lost_to_faults, counts.unexpected, counts.corrupt),
            (1, 2, 1)
        );
    }
}
