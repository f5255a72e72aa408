use std::sync::Arc;

use baggage::istio::PeerAttributes;
use spiffe::SpiffeId;

use crate::{Attributes, Claimed, ExtraLabels, Origin, Provenance};

/// One party of a connection, as far as it is known, with the provenance of each part.
///
/// The identity is only ever the one proved in the TLS handshake; no header, preamble or directory entry can set it.
/// Everything else is telemetry: what [`Attributes`] says it is, and labels that the peer claims.
///
/// Specification: HBONE-I-010, HBONE-O-001.
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
