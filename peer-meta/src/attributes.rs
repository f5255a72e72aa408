use baggage::istio::PeerAttributes;

use crate::Claimed;

/// The attributes of a peer's workload, apart by how much they can be relied on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attributes {
    /// Told by the peer itself: baggage, or a carrier of the sidecar era.
    Claimed(Claimed<PeerAttributes>),
    /// From our own directory, found by the peer's address in our own network.
    Directory(PeerAttributes),
    /// Nobody told us; better than a guess.
    #[default]
    Unknown,
}
