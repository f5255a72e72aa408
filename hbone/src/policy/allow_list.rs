use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use crate::net::{canonical_net, contains};
use crate::{Authority, ExpectedIdentities, Hostname, Identity};

/// One line of an allow list: which peers may go to which destinations and ports.
///
/// A new entry lets every authenticated peer go to its destinations at every port; [`AllowEntry::for_peers`] and
/// [`AllowEntry::at_ports`] narrow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowEntry {
    peers: Option<ExpectedIdentities>,
    destination: Destination,
    ports: Option<Vec<RangeInclusive<u16>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Destination {
    Addresses(Vec<IpNet>),
    Names {
        names: Vec<NamePattern>,
        within: Option<Vec<IpNet>>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum NamePattern {
    Exactly(Hostname),
    Below(Hostname),
}

impl AllowEntry {
    /// Addresses within `ranges`. What is dialled in the end must lie within them too.
    ///
    /// A range of IPv4-mapped addresses is the IPv4 range. A wider range of IPv6, such as `::/0`, is of IPv6 alone, though the mapped
    /// ones are in it: whoever wants IPv4 names it.
    pub fn to_addresses(ranges: impl IntoIterator<Item = IpNet>) -> Self {
        Self::new(Destination::Addresses(canonical_nets(ranges)))
    }

    /// Exactly these host names, which may lead to any address that is not denied to everybody.
    pub fn to_names(names: impl IntoIterator<Item = Hostname>) -> Self {
        let names = names.into_iter().map(NamePattern::Exactly).collect();
        Self::new(Destination::Names {
            names,
            within: None,
        })
    }

    /// Every host name below one of these, but not these themselves.
    pub fn to_names_below(parents: impl IntoIterator<Item = Hostname>) -> Self {
        let names = parents.into_iter().map(NamePattern::Below).collect();
        Self::new(Destination::Names {
            names,
            within: None,
        })
    }

    fn new(destination: Destination) -> Self {
        Self {
            peers: None,
            destination,
            ports: None,
        }
    }

    /// For these peers only. An empty set is nobody.
    #[must_use]
    pub fn for_peers(mut self, peers: impl Into<ExpectedIdentities>) -> Self {
        self.peers = Some(peers.into());
        self
    }

    /// For these ports of the authority only.
    #[must_use]
    pub fn at_ports(mut self, ports: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        self.ports = Some(ports.into_iter().collect());
        self
    }

    /// The names must lead to addresses within `ranges`, which are read as in [`AllowEntry::to_addresses`]. For an entry of addresses it
    /// replaces them.
    #[must_use]
    pub fn within(mut self, ranges: impl IntoIterator<Item = IpNet>) -> Self {
        let ranges = canonical_nets(ranges);
        match &mut self.destination {
            Destination::Addresses(addresses) => *addresses = ranges,
            Destination::Names { within, .. } => *within = Some(ranges),
        }
        self
    }

    /// Whether the entry lets this peer ask for this authority.
    pub(super) fn admits(&self, who: &Identity, authority: &Authority) -> bool {
        self.peers
            .as_ref()
            .is_none_or(|peers| peers.check(who).is_ok())
            && self
                .ports
                .as_ref()
                .is_none_or(|ports| ports.iter().any(|range| range.contains(&authority.port())))
            && match (&self.destination, authority) {
                (Destination::Addresses(ranges), Authority::Addr(addr)) => {
                    contains(ranges, addr.ip())
                }
                (Destination::Names { names, .. }, Authority::Name { host, .. }) => {
                    names.iter().any(|name| name.matches(host))
                }
                _ => false,
            }
    }

    /// Whether what the entry admitted may have led to this address.
    pub(super) fn allows(&self, addr: IpAddr) -> bool {
        match &self.destination {
            Destination::Addresses(ranges) => contains(ranges, addr),
            Destination::Names { within, .. } => {
                within.as_ref().is_none_or(|ranges| contains(ranges, addr))
            }
        }
    }
}

impl NamePattern {
    fn matches(&self, host: &Hostname) -> bool {
        match self {
            Self::Exactly(name) => name == host,
            Self::Below(parent) => host.is_below(parent),
        }
    }
}

fn canonical_nets(ranges: impl IntoIterator<Item = IpNet>) -> Vec<IpNet> {
    ranges.into_iter().map(canonical_net).collect()
}
