use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

/// How many bits of an IPv4-mapped address say that it is one.
const MAPPED_PREFIX: u8 = 96;

/// Whether `addr`, in canonical form, lies in one of the ranges, which are canonical.
pub(crate) fn contains(ranges: &[IpNet], addr: IpAddr) -> bool {
    let addr = addr.to_canonical();
    ranges.iter().any(|range| range.contains(&addr))
}

/// A range in the form in which addresses are compared: one of IPv4-mapped addresses as the IPv4 range it stands for.
pub(crate) fn canonical_net(range: IpNet) -> IpNet {
    let IpNet::V6(v6) = range else {
        return range;
    };
    let mapped = v6
        .addr()
        .to_ipv4_mapped()
        .zip(v6.prefix_len().checked_sub(MAPPED_PREFIX))
        .and_then(|(addr, prefix)| Ipv4Net::new(addr, prefix).ok());
    mapped.map_or(range, IpNet::V4)
}

/// All of IPv4, if that is a part of `range`: of one wider than that of the mapped addresses, as `::/0` is.
///
/// [`canonical_net`] leaves such a range as it is, and no address in canonical form is a mapped one, so it has no IPv4 address in it.
pub(crate) fn mapped_part(range: IpNet) -> Option<IpNet> {
    let IpNet::V6(v6) = range else {
        return None;
    };
    let is_part =
        v6.prefix_len() < MAPPED_PREFIX && v6.contains(&Ipv4Addr::UNSPECIFIED.to_ipv6_mapped());
    is_part.then(|| IpNet::V4(Ipv4Net::default()))
}
