use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hbone::mesh::Workload;
use hbone::policy::DestinationPolicy;

/// Where the proxy itself listens, which it must never connect to on behalf of others: it would be talking to itself.
#[derive(Debug, Clone)]
pub(crate) struct OwnListeners(Arc<[SocketAddr]>);

impl OwnListeners {
    pub(crate) fn new(
        admin: impl IntoIterator<Item = SocketAddr>,
        others: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        Self(admin.into_iter().chain(others).collect())
    }

    /// Whether a plain connection to `address` would come back to us.
    pub(crate) fn contains(&self, address: SocketAddr, workload: &Workload) -> bool {
        let ip = address.ip().to_canonical();
        let here = |own: IpAddr| match own.is_unspecified() {
            true => ip.is_loopback() || ip.is_unspecified() || workload.addresses.contains(&ip),
            false => own.to_canonical() == ip,
        };
        self.0
            .iter()
            .any(|own| own.port() == address.port() && here(own.ip()))
    }

    /// The same policy, which denies them.
    pub(crate) fn denied_by(&self, policy: DestinationPolicy) -> DestinationPolicy {
        self.0
            .iter()
            .fold(policy, |policy, own| policy.own_listener(*own))
    }

    /// Their ports.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        self.0.iter().map(SocketAddr::port)
    }
}
