use super::{Service, Workload};
use crate::IstioSource;

/// Who plans a route: the workload traffic comes from, and what kind of proxy plans for it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Source<'a> {
    /// The workload: the application's for a node proxy, its own for a waypoint or a gateway.
    pub workload: &'a Workload,
    /// The kind of proxy, as `x-istio-source` tells it; a node proxy has no word there.
    pub kind: Option<IstioSource>,
}

impl<'a> Source<'a> {
    /// A node proxy (ztunnel's job) on behalf of `workload`.
    pub fn node_proxy(workload: &'a Workload) -> Self {
        Self {
            workload,
            kind: None,
        }
    }

    /// The proxy of the given kind, itself a workload.
    pub fn proxy(workload: &'a Workload, kind: IstioSource) -> Self {
        Self {
            workload,
            kind: Some(kind),
        }
    }
}

/// Whether traffic from this kind of proxy still has to pass the service's waypoint.
///
/// A waypoint has applied its policies already, and goes straight on. An ingress gateway leaves it to the service.
/// Everybody else goes through it, those who do not say what they are included. Sources and east-west gateways use the
/// same rule, so a waypoint is never passed twice and never missed.
///
/// Specification: HBONE-G-004.
pub(super) fn waypoint_applies(kind: Option<IstioSource>, service: &Service) -> bool {
    match kind {
        Some(IstioSource::Waypoint) => false,
        Some(IstioSource::Gateway) => service.ingress_use_waypoint,
        Some(IstioSource::Sidecar) | None => true,
    }
}
