use std::net::{IpAddr, SocketAddr};

use hbone::policy::DestinationPolicy;
use hbone::{Accept, Authority, Reject};
use tokio_hbone::{Incoming, Service, SystemResolver};

use crate::serve::targets::Targets;

/// Where clients may go, and what they are told.
pub(super) struct TargetService {
    targets: Targets,
    accept: Accept,
    resolver: SystemResolver,
}

impl TargetService {
    pub(super) fn new(targets: Targets, accept: Accept) -> Self {
        Self {
            targets,
            accept,
            resolver: SystemResolver::default(),
        }
    }
}

impl Service for TargetService {
    fn policy(&self, incoming: &Incoming) -> DestinationPolicy {
        self.targets
            .policy(&incoming.connect().authority, local(incoming))
    }

    async fn resolve(
        &self,
        incoming: &Incoming,
        authority: &Authority,
    ) -> Result<Vec<SocketAddr>, Reject> {
        let found = self.resolver.resolve(authority).await?;
        self.targets
            .reachable(incoming.peer(), local(incoming), found)
    }

    fn accept(&self, _incoming: &Incoming) -> Accept {
        self.accept.clone()
    }
}

/// The address of ours that the client has connected to.
fn local(incoming: &Incoming) -> Option<IpAddr> {
    Some(incoming.addresses()?.server.ip())
}
