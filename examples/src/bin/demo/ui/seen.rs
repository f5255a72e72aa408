use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// How many are kept of each kind, so that what is rare is not lost among what is frequent.
const MOST: usize = 24;
/// How many kinds there may be.
const MOST_KINDS: usize = 512;

/// What the proxies saw of the latest CONNECTs.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    hops: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    kinds: BTreeMap<Kind, VecDeque<(u64, Hop)>>,
    noted: u64,
}

/// By which proxy, at which end, and between whom.
type Kind = (String, Side, &'static str, String, String);

/// One CONNECT, as one of its ends saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Hop {
    /// What the CONNECTs of one connection have in common: the trace id of its `traceparent`.
    #[serde(skip)]
    pub(crate) trace: String,
    /// The name of the proxy that saw it.
    pub(crate) proxy: String,
    pub(crate) side: Side,
    /// `single`, `outer` or `inner`; who answered may not be able to tell, and leaves it empty.
    pub(crate) position: &'static str,
    pub(crate) authority: String,
    /// Whom TLS proved to be at the other end; empty if nobody.
    pub(crate) peer: String,
    /// Of the request, `baggage`, `x-istio-source` and so on: as sent by who asked, as received by who answered.
    pub(crate) request: Vec<(String, String)>,
    /// Of the answer, the same.
    pub(crate) response: Vec<(String, String)>,
    /// The answer's status; 0 if none came.
    pub(crate) status: u16,
}

/// Which end a proxy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Asked,
    Answered,
}

impl Seen {
    /// Keeps what a proxy saw.
    pub(crate) fn note(&self, hop: Hop) {
        let mut kept = self.lock();
        kept.noted += 1;
        let (noted, kind) = (kept.noted, hop.kind());
        if kept.kinds.len() >= MOST_KINDS && !kept.kinds.contains_key(&kind) {
            return;
        }
        let same = kept.kinds.entry(kind).or_default();
        if same.len() >= MOST {
            same.pop_front();
        }
        same.push_back((noted, hop));
    }

    /// All that is kept, trace by trace, the latest trace first; within one, in the order in which they told.
    pub(super) fn traces(&self) -> Vec<Vec<Hop>> {
        let kept = self.lock();
        let mut hops: Vec<_> = kept.kinds.values().flatten().collect();
        hops.sort_unstable_by_key(|(noted, _)| std::cmp::Reverse(*noted));
        let mut traces = Vec::<Vec<Hop>>::new();
        let mut places = BTreeMap::<&str, usize>::new();
        for (_, hop) in hops {
            let place = *places.entry(&hop.trace).or_insert_with(|| {
                traces.push(Vec::new());
                traces.len() - 1
            });
            if let Some(trace) = traces.get_mut(place) {
                trace.push(hop.clone());
            }
        }
        traces.iter_mut().for_each(|trace| trace.reverse());
        traces
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.hops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hop {
    fn kind(&self) -> Kind {
        let (proxy, authority, peer) = (&self.proxy, &self.authority, &self.peer);
        (
            proxy.clone(),
            self.side,
            self.position,
            authority.clone(),
            peer.clone(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(trace: &str, proxy: &str) -> Hop {
        Hop {
            trace: trace.into(),
            proxy: proxy.into(),
            side: Side::Asked,
            position: "single",
            authority: String::new(),
            peer: String::new(),
            request: Vec::new(),
            response: Vec::new(),
            status: 200,
        }
    }

    #[test]
    fn what_is_rare_is_kept_beside_what_is_frequent_and_the_latest_trace_comes_first() {
        let seen = Seen::default();
        seen.note(hop("rare", "waypoint"));
        for trace in 0..1000 {
            seen.note(hop(&trace.to_string(), "client"));
        }
        seen.note(hop("999", "server"));
        let traces = seen.traces();
        assert_eq!(traces.len(), MOST + 1);
        assert_eq!(traces[0], [hop("999", "client"), hop("999", "server")]);
        assert_eq!(traces[MOST], [hop("rare", "waypoint")]);
    }
}
