use std::sync::Arc;

use baggage::istio::{Dialect, PeerAttributes};
use http::HeaderValue;
use spiffe::SpiffeId;

/// The workload on whose behalf we speak: what we tell about it, encoded once, and what we label it with.
///
/// Make one for each identity served, keep it in an [`Arc`], and share it between all exchanges: telling is then a
/// reference-count bump.
#[derive(Clone, Debug)]
pub struct Own {
    attributes: PeerAttributes,
    baggage: Option<HeaderValue>,
    identity: Option<Arc<SpiffeId>>,
    network: Arc<str>,
}

impl Own {
    /// A workload in `network` (may be empty, the name of the only network of a small mesh), whose `baggage` header is
    /// written as `dialect` writes it. Without any attribute there is no header to send, since an empty one tells nothing
    /// (but agentgateway's, which names every attribute that is not there).
    pub fn new(attributes: PeerAttributes, dialect: Dialect, network: impl Into<Arc<str>>) -> Self {
        let baggage = attributes.to_header_value(dialect);
        // `Bytes` becomes shareable at its first clone, which allocates: pay for it here, not in the first exchange.
        drop(baggage.clone());
        Self {
            attributes,
            baggage,
            identity: None,
            network: network.into(),
        }
    }

    /// The same workload with the identity that its certificate proves, which becomes our own `*_principal`.
    ///
    /// Without it that label is `unknown`, and in [`LabelDialect::Envoy`](crate::labels::LabelDialect::Envoy) a destination's
    /// `connection_security_policy` is `none`, whatever TLS there was.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<Arc<SpiffeId>>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// What the workload is.
    pub const fn attributes(&self) -> &PeerAttributes {
        &self.attributes
    }

    /// Its attributes as a `baggage` header value; `None` when there is nothing to tell.
    pub const fn baggage(&self) -> Option<&HeaderValue> {
        self.baggage.as_ref()
    }

    /// What its certificate proves.
    pub fn identity(&self) -> Option<&SpiffeId> {
        self.identity.as_deref()
    }

    /// The network it is in.
    pub const fn network(&self) -> &Arc<str> {
        &self.network
    }
}
