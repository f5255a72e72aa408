use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hbone::{Authority, Reject};
use tokio::net::lookup_host;
use tokio::sync::Semaphore;

use super::failed_names::FailedNames;
use crate::deadline::now;

/// Asks the system where a name leads.
///
/// Its resolver blocks a thread for as long as it likes, also when nobody waits any more, so only so many are asked at once;
/// the others wait for their turn, until their deadline.
///
/// A name that leads nowhere is remembered for a second, so that a client that asks for it again and again takes no turn from
/// others; 1,024 such names at most. What leads somewhere is not remembered: that is the system's business.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    turns: Arc<Semaphore>,
    failed: Arc<Mutex<FailedNames>>,
}

impl SystemResolver {
    /// A resolver with at most `lookups` under way at once.
    #[must_use]
    pub fn new(lookups: usize) -> Self {
        let lookups = lookups.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            turns: Arc::new(Semaphore::new(lookups)),
            failed: Arc::new(Mutex::new(FailedNames::new(REMEMBERED_FOR))),
        }
    }

    /// The same, but a name that leads nowhere is remembered for so long; zero forgets it at once.
    #[must_use]
    pub fn with_negative_ttl(mut self, ttl: Duration) -> Self {
        self.failed = Arc::new(Mutex::new(FailedNames::new(ttl)));
        self
    }

    /// Where `authority` leads. An address leads to itself.
    ///
    /// # Errors
    /// [`Reject::DnsFailed`] if the system does not know.
    pub async fn resolve(&self, authority: &Authority) -> Result<Vec<SocketAddr>, Reject> {
        let (host, port) = match authority {
            Authority::Addr(addr) => return Ok(vec![*addr]),
            Authority::Name { host, port } => (host.to_string(), port.get()),
        };
        if self.failed().has(&host, now()) {
            return Err(Reject::DnsFailed);
        }
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Reject::DnsFailed)?;
        // Another may have learnt it while we waited for our turn.
        if self.failed().has(&host, now()) {
            return Err(Reject::DnsFailed);
        }
        let name = host.clone();
        // The thread is busy until it answers, so its turn lasts as long, whether anybody still waits or not.
        let asking = tokio::spawn(async move {
            let found = lookup_host((host, port)).await.map(Vec::from_iter);
            drop(turn);
            found
        });
        match asking.await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(_)) => {
                self.failed().put(name, now());
                Err(Reject::DnsFailed)
            }
            Err(_) => Err(Reject::DnsFailed),
        }
    }

    fn failed(&self) -> MutexGuard<'_, FailedNames> {
        // Nothing that can panic runs under the lock.
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const REMEMBERED_FOR: Duration = Duration::from_secs(1);

impl Default for SystemResolver {
    /// 32 at once.
    fn default() -> Self {
        Self::new(32)
    }
}
