use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hbone::{CertificateFault, LinkFailure};
use rustls::crypto::CryptoProvider;
use rustls_pki_types::UnixTime;
use tokio::sync::oneshot;

use super::Crls;
use super::crls::Status;
use super::live_peer::LivePeer;
use super::peer_chain::{Link, PeerChain};

/// The revocation lists in force, and the live connections that a new list may end. A clone is another handle to the
/// same, so that clients and servers can share one.
///
/// A handshake with a peer is refused if a list names any certificate of its chain but the root. [`replace`](Self::replace)
/// asks the new lists about every connection that is up: a revoked peer's are ended at once, with GOAWAY where we are the
/// server, and their tunnels fail with [`Cut::Revoked`](hbone::Cut::Revoked); nobody else notices.
///
/// An authority without a list has revoked nothing.
///
/// Specification: HBONE-I-008.
#[derive(Clone)]
pub struct Revocations(Arc<Shared>);

pub(super) struct Shared {
    provider: Arc<CryptoProvider>,
    registry: Mutex<Registry>,
}

struct Registry {
    expired: ExpiredCrl,
    crls: Arc<Crls>,
    next_key: u64,
    live: BTreeMap<u64, Live>,
    stats: RevocationStats,
}

/// A live connection, as seen from here.
struct Live {
    chain: Arc<PeerChain>,
    revoke: oneshot::Sender<()>,
}

/// What an expired list is worth in a handshake. It never brings back whom it names, and never ends a live connection by
/// having expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpiredCrl {
    /// As much as before, so that a list that is late does not bring down a mesh.
    #[default]
    Tolerate,
    /// Whoever its authority has issued a certificate for is refused until a current list is there.
    Refuse,
}

/// What revocation has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationStats {
    /// How many handshakes were refused, be it that the peer was revoked or that its list had expired.
    pub refused: u64,
    /// How many live connections were ended.
    pub ended: u64,
    /// How many connections are up that a new list would be asked about.
    pub live: usize,
}

impl Revocations {
    /// No list, and expired ones tolerated. The lists' signatures are checked with `provider`.
    #[must_use]
    pub fn new(provider: &Arc<CryptoProvider>) -> Self {
        Self(Arc::new(Shared {
            provider: Arc::clone(provider),
            registry: Mutex::new(Registry {
                expired: ExpiredCrl::default(),
                crls: Arc::default(),
                next_key: 0,
                live: BTreeMap::new(),
                stats: RevocationStats::default(),
            }),
        }))
    }

    /// From the next handshake on, treats expired lists like this.
    pub fn set_expired(&self, expired: ExpiredCrl) {
        self.0.registry().expired = expired;
    }

    /// Puts `crls` in force instead of those before, and ends the live connections of every peer that they revoke.
    /// Returns how many those are.
    pub fn replace(&self, crls: Crls) -> usize {
        let algorithms = self.0.provider.signature_verification_algorithms.all;
        let mut registry = self.0.registry();
        registry.crls = Arc::new(crls);
        let Registry { crls, live, .. } = &mut *registry;
        let keys: Vec<u64> = live
            .iter()
            .filter(|(_, live)| crls.revoke(&live.chain, algorithms))
            .map(|(key, _)| *key)
            .collect();
        let revoked: Vec<_> = keys.iter().filter_map(|key| live.remove(key)).collect();
        registry.stats.ended = registry.stats.ended.saturating_add(revoked.len() as u64);
        drop(registry);
        let ended = revoked.len();
        for live in revoked {
            // A connection that is ending by itself at this moment does not listen any more.
            let _ = live.revoke.send(());
        }
        ended
    }

    /// What revocation has done so far.
    #[must_use]
    pub fn stats(&self) -> RevocationStats {
        let registry = self.0.registry();
        RevocationStats {
            live: registry.live.len(),
            ..registry.stats
        }
    }

    /// Whether a path may be used in a handshake at `now`.
    pub(super) fn check(&self, links: &[Link], now: UnixTime) -> Result<(), webpki::Error> {
        let (crls, expired) = {
            let registry = self.0.registry();
            (Arc::clone(&registry.crls), registry.expired)
        };
        let algorithms = self.0.provider.signature_verification_algorithms.all;
        match (crls.status(links, now, algorithms), expired) {
            (Status::Good, _) | (Status::Expired, ExpiredCrl::Tolerate) => Ok(()),
            (Status::Expired, ExpiredCrl::Refuse) => Err(webpki::Error::CrlExpired {
                time: now,
                next_update: now,
            }),
            (Status::Revoked, _) => Err(webpki::Error::CertRevoked),
        }
    }

    /// Counts a handshake that was refused for what [`check`](Self::check) said.
    pub(super) fn count_refusal(&self) {
        let mut registry = self.0.registry();
        registry.stats.refused = registry.stats.refused.saturating_add(1);
    }

    /// Enters a connection whose handshake is done. Lists that came in force during the handshake are asked again.
    pub(super) fn enter(&self, chain: Arc<PeerChain>) -> Result<LivePeer, LinkFailure> {
        let algorithms = self.0.provider.signature_verification_algorithms.all;
        let mut registry = self.0.registry();
        if registry.crls.revoke(&chain, algorithms) {
            registry.stats.refused = registry.stats.refused.saturating_add(1);
            return Err(CertificateFault::Revoked.into());
        }
        let key = registry.next_key;
        registry.next_key = key.wrapping_add(1);
        let identity = chain.identity.clone();
        let (revoke, revoked) = oneshot::channel();
        registry.live.insert(key, Live { chain, revoke });
        let registered = Registered {
            key,
            shared: Arc::downgrade(&self.0),
        };
        Ok(LivePeer::new(identity, revoked, registered))
    }
}

/// A place among the live connections, given up when dropped.
pub(super) struct Registered {
    key: u64,
    shared: Weak<Shared>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.registry().live.remove(&self.key);
        }
    }
}

impl Shared {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        // Nothing in here panics half-way through a change.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.0.registry();
        write!(
            f,
            "Revocations({} lists over {} connections)",
            registry.crls.len(),
            registry.live.len()
        )
    }
}
