use std::hash::{Hash, Hasher};
use std::net::SocketAddr;

use hbone::{Connect, ExpectedIdentities, Hop, Route};

/// What two requests must have in common to share a connection: where it goes, through what, who must be there, and whose
/// certificate of ours it was made with.
///
/// Of the CONNECTs on the way it compares what decides where they lead and what is answered. On whose behalf the first one was
/// sent (`forwarded`, `traceparent`) is not part of that.
///
/// Specification: HBONE-R-001.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    address: SocketAddr,
    /// The hops that it is inside of, the outermost first.
    outer: Vec<Hop>,
    expect: ExpectedIdentities,
    generation: u64,
}

impl Key {
    /// The connection that the CONNECT at `level` of `route` goes on.
    pub(crate) fn new(route: &Route, level: usize, generation: u64) -> Self {
        let hop = route.hop(level).unwrap_or_else(|| route.last());
        Self {
            address: route.address(),
            outer: route.hops().take(level).cloned().collect(),
            expect: hop.expect.clone(),
            generation,
        }
    }

    /// The address of the outermost hop.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// At which level of a route the connection is.
    pub(crate) const fn level(&self) -> usize {
        self.outer.len()
    }

    pub(crate) const fn expect(&self) -> &ExpectedIdentities {
        &self.expect
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// The way to the tunnel that the connection is made in; `None` if it is made by TCP.
    pub(crate) fn way(&self) -> Option<Route> {
        let (first, inner) = self.outer.split_first()?;
        let first = Route::new(self.address, first.clone());
        Some(inner.iter().cloned().fold(first, Route::through))
    }

    /// The same, on nobody's behalf: for a connection that no request in particular has caused.
    pub(crate) fn for_nobody(mut self) -> Self {
        for hop in &mut self.outer {
            hop.connect.forwarded = None;
            hop.connect.traceparent = None;
        }
        self
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let outer = |key: &Self| key.outer.len();
        self.address == other.address
            && self.generation == other.generation
            && self.expect == other.expect
            && outer(self) == outer(other)
            && self.outer.iter().zip(&other.outer).all(|(one, other)| {
                one.expect == other.expect && is_same_way(&one.connect, &other.connect)
            })
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address.hash(state);
        self.generation.hash(state);
        self.expect.hash(state);
        for hop in &self.outer {
            hop.expect.hash(state);
            hop.connect.authority.hash(state);
        }
    }
}

fn is_same_way(one: &Connect, other: &Connect) -> bool {
    one.authority == other.authority
        && one.source == other.source
        && one.origin_network == other.origin_network
        && one.baggage == other.baggage
        && one.unknown == other.unknown
}
