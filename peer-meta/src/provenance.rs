/// Where each part of a [`Peer`](crate::Peer) comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provenance {
    /// The workload attributes.
    pub attributes: Origin,
    /// The identity: [`Origin::Tls`] or [`Origin::Nowhere`], never anything else.
    pub identity: Origin,
    /// The additional labels.
    pub labels: Origin,
}

/// Where a fact about a peer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The peer says so.
    Claim,
    /// Our own directory says so.
    Directory,
    /// It is not known.
    Nowhere,
    /// Proved in the TLS handshake.
    Tls,
}
