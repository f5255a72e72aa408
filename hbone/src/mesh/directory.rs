use std::sync::Arc;

use super::{Endpoint, NamespacedHostname, NetworkAddress, Service, Workload};
use crate::Hostname;

/// What a proxy knows about the mesh. The caller implements it, over a file, a control plane's stream or a test's
/// table; [`StaticMesh`](super::StaticMesh) is a ready one.
///
/// Lookups answer at once from what is known: a caller that fetches on demand does so before it asks, or
/// asks again. The answers of one directory within one plan must agree with each other, so a directory that
/// changes is a snapshot or is locked while a plan is made. Lists come in an order that does not change from
/// one call to the next: choices are made by index.
pub trait Directory {
    /// The workload with this uid.
    fn workload(&self, uid: &str) -> Option<Arc<Workload>>;

    /// The workload at this address. Workloads in the host's network are not found.
    fn workload_at(&self, address: &NetworkAddress) -> Option<Arc<Workload>>;

    /// The workload with this host name.
    fn workload_named(&self, name: &NamespacedHostname) -> Option<Arc<Workload>>;

    /// The service with this virtual address.
    fn service_at(&self, address: &NetworkAddress) -> Option<Arc<Service>>;

    /// The service with this name.
    fn service(&self, name: &NamespacedHostname) -> Option<Arc<Service>>;

    /// The services with this host name, whatever their namespace. Where several may be meant, the namespace
    /// of whoever asks goes first, then the order of this list.
    fn services_with_hostname(&self, hostname: &Hostname) -> Vec<Arc<Service>>;

    /// The endpoints of a service, healthy or not, near or far.
    fn endpoints(&self, service: &Service) -> Arc<[Endpoint]>;
}
