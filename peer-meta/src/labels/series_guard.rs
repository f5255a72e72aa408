use std::collections::BTreeSet;

/// Caps the number of series that a metric can have, so that no peer fills the memory with names of its invention.
///
/// The first label sets, up to the cap, pass as they are; every further one is folded into one series for each
/// reporter, whose other labels all say `other`. Sets that passed once keep passing.
///
/// ```
/// # use peer_meta::labels::SeriesGuard;
/// # use peer_meta::labels::TcpLabels;
/// # fn count(guard: &mut SeriesGuard<TcpLabels>, labels: TcpLabels) -> TcpLabels {
/// let labels = guard.admit(labels, TcpLabels::folded);
/// # labels
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SeriesGuard<L> {
    cap: usize,
    seen: BTreeSet<L>,
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
            seen: BTreeSet::new(),
        }
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
        if self.seen.contains(&labels) {
            return labels;
        }
        if self.seen.len() >= self.cap {
            return fold(&labels);
        }
        self.seen.insert(labels.clone());
        labels
    }

    /// A series is gone from the metrics; another may take its place.
    pub fn forget(&mut self, labels: &L) {
        self.seen.remove(labels);
    }
}

impl<L: Clone + Ord> Default for SeriesGuard<L> {
    fn default() -> Self {
        Self::new()
    }
}
