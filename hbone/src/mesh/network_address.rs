use std::fmt;
use std::net::IpAddr;

use crate::Network;

/// An address in a network. The same address in another network is another address, so pods of two networks
/// with overlapping ranges never meet in a lookup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkAddress {
    network: Network,
    ip: IpAddr,
}

impl NetworkAddress {
    /// `ip` in `network`. An IPv4 address in IPv6 clothing (`::ffff:10.0.0.1`) is taken as the IPv4 address.
    pub fn new(network: Network, ip: IpAddr) -> Self {
        Self {
            network,
            ip: ip.to_canonical(),
        }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The address.
    pub fn ip(&self) -> IpAddr {
        self.ip
    }
}

impl fmt::Display for NetworkAddress {
    /// `network/address`, the form of Istio's keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.ip)
    }
}
