use std::fmt;

use super::{NamespacedHostname, NetworkAddress};

/// How a waypoint or a network gateway is reached: who it is, and the port where it speaks HBONE.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewayAddress {
    /// Who it is.
    pub destination: GatewayDestination,
    /// Where it speaks HBONE; [`crate::PORT`] almost always.
    pub hbone_port: u16,
}

/// Who a gateway is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayDestination {
    /// A service's address or a workload's own.
    Address(NetworkAddress),
    /// A service's host name or, failing that, a workload's.
    Hostname(NamespacedHostname),
}

impl GatewayAddress {
    /// The gateway at an address, on the usual port.
    pub fn at(address: NetworkAddress) -> Self {
        Self {
            destination: GatewayDestination::Address(address),
            hbone_port: crate::PORT,
        }
    }

    /// The gateway with a name, on the usual port.
    pub fn named(hostname: NamespacedHostname) -> Self {
        Self {
            destination: GatewayDestination::Hostname(hostname),
            hbone_port: crate::PORT,
        }
    }

    /// The same gateway on another port.
    pub fn on(mut self, hbone_port: u16) -> Self {
        self.hbone_port = hbone_port;
        self
    }
}

impl fmt::Display for GatewayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.destination {
            GatewayDestination::Address(address) => write!(f, "{address}")?,
            GatewayDestination::Hostname(hostname) => write!(f, "{hostname}")?,
        }
        write!(f, " port {}", self.hbone_port)
    }
}
