use std::net::SocketAddr;

use crate::Connect;
use crate::ExpectedIdentities;

/// The way to a destination: an address to dial, and one or more CONNECTs, each inside the one before it.
///
/// One hop is single HBONE; two are double HBONE through an east-west gateway. A route is never empty.
#[derive(Clone, Debug)]
pub struct Route {
    address: SocketAddr,
    first: Hop,
    inner: Vec<Hop>,
}

impl Route {
    /// A route of one hop: TCP to `address`, then `first`.
    #[must_use]
    pub const fn new(address: SocketAddr, first: Hop) -> Self {
        Self {
            address,
            first,
            inner: Vec::new(),
        }
    }

    /// The same route with one more tunnel inside the innermost.
    #[must_use]
    pub fn through(mut self, next: Hop) -> Self {
        self.inner.push(next);
        self
    }

    /// Where the TCP connection of the first hop goes.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many hops there are; at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a route is never empty")]
    pub const fn len(&self) -> usize {
        1 + self.inner.len()
    }

    /// The hop at `level`, counted from 0 at the outermost.
    #[must_use]
    pub fn hop(&self, level: usize) -> Option<&Hop> {
        match level {
            0 => Some(&self.first),
            _ => self.inner.get(level - 1),
        }
    }

    /// All hops, the outermost first.
    pub fn hops(&self) -> impl DoubleEndedIterator<Item = &Hop> {
        std::iter::once(&self.first).chain(&self.inner)
    }

    /// All hops to change, the outermost first: the caller fills in what it has to tell on each.
    pub fn hops_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Hop> {
        std::iter::once(&mut self.first).chain(&mut self.inner)
    }

    /// The innermost hop, whose answer comes from the destination.
    #[must_use]
    pub fn last(&self) -> &Hop {
        self.inner.last().unwrap_or(&self.first)
    }
}

/// One CONNECT of a [`Route`], and who must answer it.
///
/// Specification: HBONE-D-003.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hop {
    /// The head of the CONNECT.
    pub connect: Connect,
    /// Who the TLS peer of this hop must be. An empty set never matches.
    pub expect: ExpectedIdentities,
}

impl Hop {
    /// A hop that sends `connect` to a peer in `expect`.
    #[must_use]
    pub const fn new(connect: Connect, expect: ExpectedIdentities) -> Self {
        Self { connect, expect }
    }
}
