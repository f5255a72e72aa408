use super::attribute::Attribute;

/// Whose header we write byte for byte. Reading makes no difference between them.
///
/// None of Istio's three writers has an escape for what may not stand in a header; here such octets are
/// percent-encoded in every dialect, which changes nothing for the names that Kubernetes allows.
///
/// Specification: HBONE-B-001, HBONE-B-002, HBONE-B-003.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// Always cluster, namespace, workload (as `k8s.deployment.name` whatever its kind), service, revision,
    /// even if empty.
    Agentgateway,
    /// Istio's Envoy: workload, service, app, revision, version, namespace, cluster, instance, region, zone;
    /// `app.name` and `app.version` only where they differ from `service.name` and `service.version`.
    Envoy,
    /// ztunnel: cluster, namespace, workload, service, revision, region, zone, and never the rest.
    Ztunnel,
    /// Everything that is set, once.
    W3c,
}

impl Dialect {
    /// What is written, in this order.
    pub(super) const fn attributes(self) -> &'static [Attribute] {
        use Attribute::{
            App, Cluster, Instance, Namespace, Region, Revision, Service, Version, Workload, Zone,
        };
        match self {
            Self::Agentgateway => &[Cluster, Namespace, Workload, Service, Revision],
            Self::Envoy => &[
                Workload, Service, App, Revision, Version, Namespace, Cluster, Instance, Region,
                Zone,
            ],
            Self::Ztunnel => &[
                Cluster, Namespace, Workload, Service, Revision, Region, Zone,
            ],
            Self::W3c => &[
                Cluster, Namespace, Workload, Service, Revision, App, Version, Instance, Region,
                Zone,
            ],
        }
    }
}
