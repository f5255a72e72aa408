use alloc::string::String;

use super::attribute::{ATTRIBUTES, Attribute};
use super::peer_attributes::PeerAttributes;
use super::workload_kind::WorkloadKind;

/// Builds [`PeerAttributes`]; an empty value is the same as none.
///
/// Nothing is inferred: an app that is not given is not the service. What is inferred on reading is the reader's.
#[derive(Clone, Debug, Default)]
pub struct PeerAttributesBuilder {
    pub(super) values: [String; ATTRIBUTES],
    pub(super) kind: Option<WorkloadKind>,
}

impl PeerAttributesBuilder {
    /// `k8s.cluster.name`
    #[must_use]
    pub fn cluster(self, cluster: impl AsRef<str>) -> Self {
        self.with(Attribute::Cluster, cluster.as_ref())
    }

    /// `k8s.namespace.name`
    #[must_use]
    pub fn namespace(self, namespace: impl AsRef<str>) -> Self {
        self.with(Attribute::Namespace, namespace.as_ref())
    }

    /// The workload: its kind chooses the key. Without a name it has no kind either.
    #[must_use]
    pub fn workload(self, kind: WorkloadKind, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        Self {
            kind: (!name.is_empty()).then_some(kind),
            ..self.with(Attribute::Workload, name)
        }
    }

    /// `service.name`: the canonical service
    #[must_use]
    pub fn service(self, service: impl AsRef<str>) -> Self {
        self.with(Attribute::Service, service.as_ref())
    }

    /// `service.version`: the canonical revision
    #[must_use]
    pub fn revision(self, revision: impl AsRef<str>) -> Self {
        self.with(Attribute::Revision, revision.as_ref())
    }

    /// `app.name`
    #[must_use]
    pub fn app(self, app: impl AsRef<str>) -> Self {
        self.with(Attribute::App, app.as_ref())
    }

    /// `app.version`
    #[must_use]
    pub fn version(self, version: impl AsRef<str>) -> Self {
        self.with(Attribute::Version, version.as_ref())
    }

    /// `k8s.instance.name`: the pod
    #[must_use]
    pub fn instance(self, instance: impl AsRef<str>) -> Self {
        self.with(Attribute::Instance, instance.as_ref())
    }

    /// `cloud.region`
    #[must_use]
    pub fn region(self, region: impl AsRef<str>) -> Self {
        self.with(Attribute::Region, region.as_ref())
    }

    /// `cloud.availability_zone`
    #[must_use]
    pub fn zone(self, zone: impl AsRef<str>) -> Self {
        self.with(Attribute::Zone, zone.as_ref())
    }

    /// The attributes, in one buffer.
    pub fn build(&self) -> PeerAttributes {
        PeerAttributes::from_values(&self.values, self.kind)
    }

    fn with(mut self, attribute: Attribute, value: &str) -> Self {
        self.values[attribute as usize] = value.into();
        self
    }
}
