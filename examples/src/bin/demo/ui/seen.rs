use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// How many are kept: enough for each edge to have a late one.
const MOST: usize = 1024;

/// What the proxies saw of the latest CONNECTs, in the order in which they told.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    hops: Mutex<VecDeque<Hop>>,
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Asked,
    Answered,
}

impl Seen {
    /// Keeps what a proxy saw.
    pub(crate) fn note(&self, hop: Hop) {
        let mut hops = self.lock();
        if hops.len() >= MOST {
            hops.pop_front();
        }
        hops.push_back(hop);
    }

    /// All that is kept, trace by trace, the latest trace first; within one, in the order in which they told.
    pub(super) fn traces(&self) -> Vec<Vec<Hop>> {
        let mut traces = Vec::<Vec<Hop>>::new();
        for hop in self.lock().iter().rev() {
            let same = |trace: &&mut Vec<Hop>| trace.iter().any(|other| other.trace == hop.trace);
            match traces.iter_mut().find(same) {
                Some(trace) => trace.push(hop.clone()),
                None => traces.push(vec![hop.clone()]),
            }
        }
        traces.iter_mut().for_each(|trace| trace.reverse());
        traces
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Hop>> {
        self.hops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
