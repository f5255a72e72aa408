use std::sync::Arc;

use super::{Health, Ports, Service, Workload};

/// A workload as one of the instances of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The instance.
    pub workload: Arc<Workload>,
    /// The ports where it differs from the service.
    pub ports: Ports,
    /// Whether it can serve: the workload's own word at first; a directory that knows better says so here.
    pub health: Health,
    /// Its weight: the workload's capacity at first.
    pub weight: u32,
}

impl Endpoint {
    /// `workload` with its own health and capacity.
    pub fn new(workload: Arc<Workload>, ports: Ports) -> Self {
        Self {
            health: workload.health,
            weight: workload.capacity,
            workload,
            ports,
        }
    }

    /// The port where this endpoint of `service` answers for a service port: its own word first, then the
    /// service's.
    pub fn target(&self, service: &Service, service_port: u16) -> Option<u16> {
        let own = self.ports.target(service_port);
        own.or_else(|| service.ports.target(service_port))
    }
}
