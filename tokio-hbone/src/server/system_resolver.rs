use std::net::SocketAddr;
use std::sync::Arc;

use hbone::{Authority, Reject};
use tokio::net::lookup_host;
use tokio::sync::Semaphore;

/// Asks the system where a name leads.
///
/// Its resolver blocks a thread for as long as it likes, also when nobody waits any more, so only so many are asked at once;
/// the others wait for their turn, until their deadline.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    turns: Arc<Semaphore>,
}

impl SystemResolver {
    /// A resolver with at most `lookups` under way at once.
    #[must_use]
    pub fn new(lookups: usize) -> Self {
        let lookups = lookups.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            turns: Arc::new(Semaphore::new(lookups)),
        }
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
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Reject::DnsFailed)?;
        // The thread is busy until it answers, so its turn lasts as long, whether anybody still waits or not.
        let asking = tokio::spawn(async move {
            let found = lookup_host((host, port)).await.map(Vec::from_iter);
            drop(turn);
            found
        });
        match asking.await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(_)) | Err(_) => Err(Reject::DnsFailed),
        }
    }
}

impl Default for SystemResolver {
    /// 32 at once.
    fn default() -> Self {
        Self::new(32)
    }
}
