use std::sync::Arc;

use baggage::istio::PeerAttributes;
use spiffe::SpiffeId;

/// What a directory knows about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryEntry {
    /// The workload that has the address.
    pub attributes: PeerAttributes,
    /// The identity of that workload, if the directory knows it.
    pub identity: Option<Arc<SpiffeId>>,
    /// The network that the workload is in.
    pub network: Arc<str>,
}

impl DirectoryEntry {
    /// A workload of `network`.
    pub fn new(attributes: PeerAttributes, network: impl Into<Arc<str>>) -> Self {
        Self {
            attributes,
            identity: None,
            network: network.into(),
        }
    }

    /// The same workload with its identity: whoever is at its address and proves another one is somebody else.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<Arc<SpiffeId>>) -> Self {
        self.identity = Some(identity.into());
        self
    }
}
