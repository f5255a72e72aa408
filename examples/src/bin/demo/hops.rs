use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use hbone::{Position, Traceparent};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use tokio_hbone::{HopAnswer, Incoming};

/// What the two ends of each hop saw of each other, for one connection: the first.
#[derive(Default)]
pub(crate) struct Hops {
    /// The trace of that connection, by which its CONNECTs are recognised.
    trace: OnceLock<Traceparent>,
    seen: Mutex<BTreeMap<Place, Hop>>,
}

/// Which hop it is, in the order of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    Outer,
    Inner,
}

impl Place {
    /// The hop at this position of a route; `None` where there is but one.
    pub(crate) const fn of(position: Position) -> Option<Self> {
        match position {
            Position::Outer => Some(Self::Outer),
            Position::Inner => Some(Self::Inner),
            _ => None,
        }
    }
}

/// One CONNECT and its answer.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Hop {
    /// Whom the answering end saw.
    pub(crate) client: String,
    /// Whom the asking end saw.
    pub(crate) server: String,
    pub(crate) authority: String,
    /// The request as it arrived.
    pub(crate) request: BTreeMap<String, String>,
    /// The answer as it arrived.
    pub(crate) response: BTreeMap<String, String>,
}

impl Hops {
    /// Follows the connection with this trace, unless another is followed already.
    pub(crate) fn follow(&self, trace: Traceparent) {
        self.trace.get_or_init(|| trace);
    }

    /// The answering end saw this request.
    pub(crate) fn requested(&self, place: Place, incoming: &Incoming) {
        if incoming
            .connect()
            .traceparent
            .is_some_and(|trace| self.follows(trace))
        {
            let headers = &incoming.head().headers;
            let mut seen = self.lock();
            let hop = seen.entry(place).or_default();
            hop.client = incoming.peer().to_string();
            hop.authority = incoming.connect().authority.to_string();
            hop.request = readable(headers);
        }
    }

    /// The asking end saw this answer to a request with `trace`.
    pub(crate) fn answered(&self, place: Place, trace: Traceparent, answer: &HopAnswer) {
        if self.follows(trace) {
            let mut seen = self.lock();
            let hop = seen.entry(place).or_default();
            hop.server = answer.peer.to_string();
            hop.response = readable(&answer.headers);
        }
    }

    /// All hops, the outermost first.
    pub(crate) fn all(&self) -> Vec<(Place, Hop)> {
        self.lock()
            .iter()
            .map(|(place, hop)| (*place, hop.clone()))
            .collect()
    }

    fn follows(&self, trace: Traceparent) -> bool {
        self.trace.get() == Some(&trace)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, Hop>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines of one name are joined as RFC 9110 section 5.3 has it, so that none goes unseen.
fn readable(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let lines = |name| headers.get_all(name).iter().map(text);
    headers
        .keys()
        .map(|name| (name.to_string(), lines(name).collect::<Vec<_>>().join(", ")))
        .collect()
}
