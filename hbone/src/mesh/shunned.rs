use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whom a proxy could not connect to of late, and leaves alone for a while: health as far as it can be seen without asking.
///
/// The first failure costs a second, every further one in a row twice as much as the one before, up to 30 s. Failures while
/// it lasts are of connects that had begun before, and cost nothing more. One success, and all is forgotten.
#[derive(Debug, Clone, Default)]
pub struct Shunned {
    workloads: BTreeMap<Arc<str>, Term>,
}

#[derive(Debug, Clone, Copy)]
struct Term {
    failures: u32,
    until: Instant,
}

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

impl Shunned {
    /// Nobody.
    pub const fn new() -> Self {
        Self {
            workloads: BTreeMap::new(),
        }
    }

    /// Whether the workload with this uid is left alone.
    pub fn contains(&self, uid: &str, now: Instant) -> bool {
        self.workloads.get(uid).is_some_and(|term| now < term.until)
    }

    /// A connect to it has failed, or was not answered in time.
    pub fn handle_failed(&mut self, uid: &Arc<str>, now: Instant) {
        let failures = self.workloads.get(uid).map_or(0, |term| term.failures);
        if self.contains(uid, now) {
            return;
        }
        let wait = 2_u32
            .checked_pow(failures)
            .and_then(|times| FIRST.checked_mul(times));
        let wait = wait.map_or(LONGEST, |wait| wait.min(LONGEST));
        let Some(until) = now.checked_add(wait) else {
            return;
        };
        let failures = failures.saturating_add(1);
        self.workloads.insert(uid.clone(), Term { failures, until });
    }

    /// It took a connection.
    pub fn handle_connected(&mut self, uid: &str) {
        self.workloads.remove(uid);
    }

    /// Forgets all whom the mesh has no more.
    pub fn retain(&mut self, is_known: impl Fn(&str) -> bool) {
        self.workloads.retain(|uid, _| is_known(uid));
    }
}
