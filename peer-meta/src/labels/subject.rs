use baggage::istio::PeerAttributes;
use spiffe::SpiffeId;

use super::LabelDialect;
use super::label::Field;
use crate::{Attributes, Own, Peer};

/// One of the two parties of a report.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    attributes: Option<&'a PeerAttributes>,
    claimed: bool,
    principal: Option<&'a SpiffeId>,
}

impl<'a> Subject<'a> {
    /// A peer, as far as it is known.
    pub fn peer(peer: &'a Peer) -> Self {
        Self {
            attributes: peer.for_telemetry(),
            claimed: matches!(peer.attributes(), Attributes::Claimed(_)),
            principal: peer.identity(),
        }
    }

    /// Ourselves.
    pub fn own(own: &'a Own) -> Self {
        Self {
            attributes: Some(own.attributes()),
            claimed: false,
            principal: own.identity(),
        }
    }

    pub(super) const fn is_known(&self) -> bool {
        self.attributes.is_some()
    }

    pub(super) const fn is_proved(&self) -> bool {
        self.principal.is_some()
    }

    pub(super) const fn principal(&self) -> Option<&'a SpiffeId> {
        self.principal
    }

    /// The namespace in Istio's form of a SPIFFE id, `/ns/<namespace>/sa/<service account>`.
    pub(super) fn proved_namespace(&self) -> Option<&'a str> {
        let mut parts = self.principal?.path().strip_prefix("/ns/")?.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(namespace), Some("sa"), Some(_), None) => Some(namespace),
            _ => None,
        }
    }

    pub(super) const fn unproved(self) -> Self {
        Self {
            principal: None,
            ..self
        }
    }

    pub(super) fn field(&self, field: Field, dialect: LabelDialect) -> Option<&'a str> {
        let attributes = self.attributes?;
        let workload = || attributes.workload();
        match (field, dialect) {
            (Field::App, LabelDialect::Envoy) => attributes.app().or_else(|| attributes.service()),
            // ztunnel takes the workload's name for the app when all it has is baggage.
            (Field::App, LabelDialect::Ztunnel) if self.claimed => workload(),
            (Field::App, LabelDialect::Ztunnel) => attributes.service(),
            (Field::CanonicalRevision, _) => attributes.revision(),
            (Field::CanonicalService, _) => attributes.service(),
            (Field::Cluster, _) => attributes.cluster(),
            (Field::Namespace, _) => attributes.namespace(),
            (Field::Principal, _) => None,
            (Field::Region, _) => attributes.region(),
            (Field::Version, LabelDialect::Envoy) => {
                attributes.version().or_else(|| attributes.revision())
            }
            (Field::Version, LabelDialect::Ztunnel) => attributes.revision(),
            (Field::Workload, _) => workload(),
            (Field::Zone, _) => attributes.zone(),
        }
    }
}
