use baggage::istio::PeerAttributes;

use crate::ExtraLabels;

/// What a sidecar says of its workload: more than baggage carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    attributes: PeerAttributes,
    identity: Option<Box<str>>,
    labels: ExtraLabels,
}

impl Metadata {
    /// Metadata of this workload, without identity and labels.
    pub const fn new(attributes: PeerAttributes) -> Self {
        Self {
            attributes,
            identity: None,
            labels: ExtraLabels::new(),
        }
    }

    /// The same metadata with the identity that its sender gives itself. Read back, it proves nothing.
    #[must_use]
    pub fn with_identity(mut self, identity: &str) -> Self {
        self.identity = (!identity.is_empty()).then(|| identity.into());
        self
    }

    /// The same metadata with one more label; of two with one key the later counts, and an empty value is none.
    #[must_use]
    pub fn with_label(mut self, key: &str, value: &str) -> Self {
        self.labels.set(key, value);
        self
    }

    /// The workload.
    pub const fn attributes(&self) -> &PeerAttributes {
        &self.attributes
    }

    /// The identity that its sender gives itself. Never decide access on it.
    pub fn claimed_identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// Further labels.
    pub const fn labels(&self) -> &ExtraLabels {
        &self.labels
    }

    /// The workload and the labels, for discovery and for a [`Peer`](crate::Peer).
    pub fn into_parts(self) -> (PeerAttributes, ExtraLabels) {
        (self.attributes, self.labels)
    }
}
