use std::sync::Arc;

use baggage::istio::PeerAttributes;
use spiffe::SpiffeId;

use crate::{Claimed, ExtraLabels};

/// One party of a connection, as far as it is known, with the provenance of each part.
///
/// The identity is only ever the one proved in the TLS handshake; no header, preamble or directory entry can set it.
/// Everything else is telemetry: what [`Attributes`] says it is, and labels that the peer claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    attributes: Attributes,
    identity: Option<Arc<SpiffeId>>,
    labels: Claimed<ExtraLabels>,
}

impl Peer {
    /// A peer of whom only the TLS identity is known, or nothing at all on a plaintext connection.
    pub fn from_tls(identity: Option<Arc<SpiffeId>>) -> Self {
        Self {
            identity,
            ..Self::default()
        }
    }

    /// Who the peer proved to be in its TLS handshake; `None` without TLS.
    pub fn identity(&self) -> Option<&SpiffeId> {
        self.identity.as_deref()
    }

    /// The workload behind the peer, and how we know it.
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The workload behind the peer, wherever it was learned: for labels and log lines only.
    pub fn for_telemetry(&self) -> Option<&PeerAttributes> {
        match &self.attributes {
            Attributes::Unknown => None,
            Attributes::Claimed(claimed) => Some(claimed.claim()),
            Attributes::Directory(known) => Some(known),
        }
    }

    /// Further labels of the workload that the peer claims.
    pub const fn labels(&self) -> &Claimed<ExtraLabels> {
        &self.labels
    }

    /// Where each part comes from.
    pub fn provenance(&self) -> Provenance {
        Provenance {
            attributes: match self.attributes {
                Attributes::Unknown => Origin::Nowhere,
                Attributes::Claimed(_) => Origin::Claim,
                Attributes::Directory(_) => Origin::Directory,
            },
            identity: if self.identity.is_some() {
                Origin::Tls
            } else {
                Origin::Nowhere
            },
            labels: if self.labels.claim().is_empty() {
                Origin::Nowhere
            } else {
                Origin::Claim
            },
        }
    }

    /// The same peer with these attributes instead.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// The same peer with these claimed labels instead.
    #[must_use]
    pub fn with_labels(mut self, labels: Claimed<ExtraLabels>) -> Self {
        self.labels = labels;
        self
    }

    pub(crate) fn set_identity(&mut self, identity: Arc<SpiffeId>) {
        self.identity = Some(identity);
    }

    pub(crate) fn set_attributes(&mut self, attributes: Attributes) {
        self.attributes = attributes;
    }
}

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

/// Where each part of a [`Peer`] comes from.
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
