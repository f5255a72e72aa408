use std::collections::BTreeMap;
use std::sync::Arc;

/// Caps the number of series that a metric can have, so that no peer fills the memory with names of its invention.
///
/// The first label sets, up to the cap, pass as they are; every further one is folded into one series for each
/// reporter, whose other labels all say `other`. Sets that passed once keep passing.
///
/// A [share](Self::with_share) keeps one peer from taking all the room: what it claims beyond that is folded, and the others
/// still pass.
///
/// ```
/// # use peer_meta::labels::SeriesGuard;
/// # use peer_meta::labels::TcpLabels;
/// # fn count(guard: &mut SeriesGuard<TcpLabels>, labels: TcpLabels, peer: &spiffe::SpiffeId) -> TcpLabels {
/// let labels = guard.admit_from(&peer.to_string(), labels, TcpLabels::folded);
/// # labels
/// # }
/// ```
///
/// Specification: HBONE-O-004.
#[derive(Clone, Debug)]
pub struct SeriesGuard<L> {
    cap: usize,
    seen: BTreeMap<L, Option<Arc<str>>>,
    share: usize,
    taken: BTreeMap<Arc<str>, usize>,
}

impl<L: Clone + Ord> SeriesGuard<L> {
    /// A guard that lets 2,000 label sets pass.
    pub const fn new() -> Self {
        Self::with_cap(2_000)
    }

    /// A guard that lets `cap` label sets pass.
    pub const fn with_cap(cap: usize) -> Self {
        Self {
            cap,
            seen: BTreeMap::new(),
            share: usize::MAX,
            taken: BTreeMap::new(),
        }
    }

    /// The same guard, which lets no more than `share` label sets of one peer pass.
    #[must_use]
    pub fn with_share(mut self, share: usize) -> Self {
        self.share = share;
        self
    }

    /// How many label sets have passed.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether none has passed yet.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// The label set under which to count: this one, or the one it is folded into.
    pub fn admit(&mut self, labels: L, fold: impl FnOnce(&L) -> L) -> L {
        if self.seen.contains_key(&labels) {
            return labels;
        }
        if self.seen.len() >= self.cap {
            return fold(&labels);
        }
        self.seen.insert(labels.clone(), None);
        labels
    }

    /// The same for a label set that `peer`, by the identity that it proved, had a say in.
    pub fn admit_from(&mut self, peer: &str, labels: L, fold: impl FnOnce(&L) -> L) -> L {
        if self.seen.contains_key(&labels) {
            return labels;
        }
        let taken = self.taken.get(peer).copied().unwrap_or_default();
        if taken >= self.share || self.seen.len() >= self.cap {
            return fold(&labels);
        }
        let peer = self
            .taken
            .get_key_value(peer)
            .map_or_else(|| Arc::from(peer), |(peer, _)| Arc::clone(peer));
        self.taken.insert(Arc::clone(&peer), taken + 1);
        self.seen.insert(labels.clone(), Some(peer));
        labels
    }

    /// A series is gone from the metrics; another may take its place.
    pub fn forget(&mut self, labels: &L) {
        let Some(Some(peer)) = self.seen.remove(labels) else {
            return;
        };
        match self.taken.get_mut(&peer) {
            Some(taken) if *taken > 1 => *taken -= 1,
            _ => drop(self.taken.remove(&peer)),
        }
    }
}

impl<L: Clone + Ord> Default for SeriesGuard<L> {
    fn default() -> Self {
        Self::new()
    }
}
