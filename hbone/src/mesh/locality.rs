use std::sync::Arc;

use super::Workload;

/// Where a workload runs, from wide to narrow. An empty part is unknown, and two unknown parts are
/// equal, as they are to ztunnel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Locality {
    /// The region, such as `eu-west-1`.
    pub region: Arc<str>,
    /// The zone within the region.
    pub zone: Arc<str>,
    /// The part of the zone, such as a rack.
    pub subzone: Arc<str>,
}

impl Locality {
    /// A locality of these parts.
    pub fn new(
        region: impl Into<Arc<str>>,
        zone: impl Into<Arc<str>>,
        subzone: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            region: region.into(),
            zone: zone.into(),
            subzone: subzone.into(),
        }
    }
}

/// One thing that two workloads may have in common, and that a service may prefer they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// The same Kubernetes cluster.
    Cluster,
    /// The same network: reachable without a gateway.
    Network,
    /// The same node.
    Node,
    /// The same region.
    Region,
    /// The same subzone. Only the subzone is compared: list the wider scopes before it.
    Subzone,
    /// The same zone. Only the zone is compared: list [`Scope::Region`] before it.
    Zone,
}

impl Scope {
    /// Whether the two have this in common.
    pub fn shared(self, a: &Workload, b: &Workload) -> bool {
        match self {
            Self::Cluster => a.cluster == b.cluster,
            Self::Network => a.network == b.network,
            Self::Node => a.node == b.node,
            Self::Region => a.locality.region == b.locality.region,
            Self::Subzone => a.locality.subzone == b.locality.subzone,
            Self::Zone => a.locality.zone == b.locality.zone,
        }
    }
}
