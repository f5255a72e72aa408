use std::sync::Arc;

use super::{Directory, Endpoint, NamespacedHostname, NetworkAddress, Service, Workload};
use crate::Hostname;

/// A directory in which some workloads are no endpoints: those that were tried already, or are [`Shunned`](super::Shunned). What
/// follows from that, such as the next locality's turn, follows by itself.
pub struct Without<'a> {
    directory: &'a dyn Directory,
    left_out: &'a dyn Fn(&Workload) -> bool,
}

impl<'a> Without<'a> {
    /// `directory` without the workloads of which `left_out` says so.
    pub const fn new(
        directory: &'a dyn Directory,
        left_out: &'a dyn Fn(&Workload) -> bool,
    ) -> Self {
        Self {
            directory,
            left_out,
        }
    }
}

impl std::fmt::Debug for Without<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Without").finish_non_exhaustive()
    }
}

impl Directory for Without<'_> {
    fn workload(&self, uid: &str) -> Option<Arc<Workload>> {
        self.directory.workload(uid)
    }

    fn workload_at(&self, address: &NetworkAddress) -> Option<Arc<Workload>> {
        self.directory.workload_at(address)
    }

    fn workload_named(&self, name: &NamespacedHostname) -> Option<Arc<Workload>> {
        self.directory.workload_named(name)
    }

    fn service_at(&self, address: &NetworkAddress) -> Option<Arc<Service>> {
        self.directory.service_at(address)
    }

    fn service(&self, name: &NamespacedHostname) -> Option<Arc<Service>> {
        self.directory.service(name)
    }

    fn services_with_hostname(&self, hostname: &Hostname) -> Vec<Arc<Service>> {
        self.directory.services_with_hostname(hostname)
    }

    fn endpoints(&self, service: &Service) -> Arc<[Endpoint]> {
        let all = self.directory.endpoints(service);
        if !all
            .iter()
            .any(|endpoint| (self.left_out)(&endpoint.workload))
        {
            return all;
        }
        let kept = all
            .iter()
            .filter(|endpoint| !(self.left_out)(&endpoint.workload));
        kept.cloned().collect()
    }
}
