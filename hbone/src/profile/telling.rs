use crate::{Forwarded, HeaderValues, IstioSource, Network, Traceparent};

/// All that a client could say about itself in a CONNECT; a [`Profile`](super::Profile) picks what it does say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Telling {
    /// Our workload's attributes, as header lines: encode once an identity, then clone.
    pub baggage: HeaderValues,
    /// On whose behalf we act.
    pub forwarded: Option<Forwarded>,
    /// The network we are in. The empty network says that we know of none; `None` says nothing.
    pub origin_network: Option<Network>,
    /// What kind of proxy we are.
    pub source: Option<IstioSource>,
    /// The position in a trace.
    pub traceparent: Option<Traceparent>,
}

impl Telling {
    /// Nothing to say.
    pub const fn new() -> Self {
        Self {
            baggage: HeaderValues::new(),
            forwarded: None,
            origin_network: None,
            source: None,
            traceparent: None,
        }
    }
}
