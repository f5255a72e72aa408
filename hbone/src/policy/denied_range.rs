use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses that no peer may have us dial, whatever the rule, unless their range is opened by name.
///
/// Private addresses (RFC 1918, RFC 4193) are not among them, since pods live there; neither are 240.0.0.0/4 and 2001:2::/48, from which
/// Istio gives services addresses.
///
/// Specification: HBONE-Q-002.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeniedRange {
    /// 255.255.255.255 (RFC 919).
    Broadcast,
    /// An interface id of the form `::[200:]5efe:a.b.c.d` (ISATAP, RFC 5214): a tunnel to an embedded IPv4 address.
    Isatap,
    /// 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291).
    LinkLocal,
    /// 127.0.0.0/8 and ::1.
    Loopback,
    /// The addresses at which clouds hand credentials to whoever asks.
    Metadata,
    /// 224.0.0.0/4 and ff00::/8.
    Multicast,
    /// 64:ff9b::/96 (RFC 6052): an embedded IPv4 address behind a translator.
    Nat64,
    /// 64:ff9b:1::/48 (RFC 8215): the same, for local use.
    Nat64Local,
    /// 2002::/16 and the relays' 192.88.99.0/24 (RFC 3056, RFC 7526): an embedded IPv4 address.
    SixToFour,
    /// 2001::/32 (RFC 4380): an embedded IPv4 address.
    Teredo,
    /// ::ffff:0:0:0/96 (RFC 2765): an embedded IPv4 address.
    Translated,
    /// 0.0.0.0/8 and ::, which many systems take for their own address (RFC 1122).
    Unspecified,
    /// ::/96 (RFC 4291 section 2.5.5.1): an embedded IPv4 address.
    V4Compatible,
}

/// Where clouds answer requests for credentials. Those in 169.254.0.0/16 are named so that opening link-local leaves them shut; those in
/// fd00::/8 lie among the addresses that pods may have.
const METADATA: [IpAddr; 15] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), // AWS, Azure, Google, Oracle and most others
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),   // AWS, container credentials
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),  // AWS, pod identity
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),    // Tencent
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),   // Scaleway
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure, host services
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle, of old
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), // AWS
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)), // AWS, pod identity
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), // Google
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)), // Oracle
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200)), // Alibaba
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1)), // Akamai
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)), // Scaleway
];

impl DeniedRange {
    /// Every range that `addr` lies in, whatever its spelling; there are two at most.
    pub fn all_of(addr: IpAddr) -> impl Iterator<Item = Self> {
        let addr = addr.to_canonical();
        let metadata = METADATA.contains(&addr).then_some(Self::Metadata);
        let (prefix, interface) = match addr {
            IpAddr::V4(addr) => (Self::of_v4(addr), None),
            IpAddr::V6(addr) => (Self::of_v6(addr), Self::of_interface_id(addr)),
        };
        // Metadata services have a name of their own, so that to open them is not to open what is around them, nor the other
        // way round.
        metadata.or(prefix).into_iter().chain(interface)
    }

    fn of_v4(addr: Ipv4Addr) -> Option<Self> {
        match addr.octets() {
            [0, ..] => Some(Self::Unspecified),
            [127, ..] => Some(Self::Loopback),
            [169, 254, ..] => Some(Self::LinkLocal),
            [192, 88, 99, _] => Some(Self::SixToFour),
            [224..=239, ..] => Some(Self::Multicast),
            [255, 255, 255, 255] => Some(Self::Broadcast),
            _ => None,
        }
    }

    fn of_v6(addr: Ipv6Addr) -> Option<Self> {
        match addr.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] => Some(Self::Unspecified),
            [0, 0, 0, 0, 0, 0, 0, 1] => Some(Self::Loopback),
            [0, 0, 0, 0, 0, 0, _, _] => Some(Self::V4Compatible),
            [0, 0, 0, 0, 0xffff, 0, _, _] => Some(Self::Translated),
            [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some(Self::Nat64),
            [0x64, 0xff9b, 1, ..] => Some(Self::Nat64Local),
            [0x2001, 0, ..] => Some(Self::Teredo),
            [0x2002, ..] => Some(Self::SixToFour),
            [0xfe80..=0xfebf, ..] => Some(Self::LinkLocal),
            [0xff00..=0xffff, ..] => Some(Self::Multicast),
            _ => None,
        }
    }

    /// An ISATAP address has an ordinary prefix.
    fn of_interface_id(addr: Ipv6Addr) -> Option<Self> {
        match addr.segments() {
            [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => Some(Self::Isatap),
            _ => None,
        }
    }

    /// The IPv4 addresses that an address of this range leads to.
    pub(super) fn embedded(self, addr: IpAddr) -> Vec<Ipv4Addr> {
        let IpAddr::V6(addr) = addr else {
            return Vec::new();
        };
        let [
            _,
            _,
            s1,
            s2,
            s3,
            s4,
            a6,
            a7,
            _,
            a9,
            a10,
            a11,
            l1,
            l2,
            l3,
            l4,
        ] = addr.octets();
        let last = Ipv4Addr::new(l1, l2, l3, l4);
        match self {
            Self::Isatap | Self::Nat64 | Self::Translated | Self::V4Compatible => vec![last],
            // The prefix has 48, 56, 64 or 96 bits, and RFC 6052 section 2.2 says where the address is in each case. Which case it
            // is cannot be seen, so each counts but those whose first octet is one of the zeros around the address.
            Self::Nat64Local => [
                Ipv4Addr::new(a6, a7, a9, a10),
                Ipv4Addr::new(a7, a9, a10, a11),
                Ipv4Addr::new(a9, a10, a11, l1),
                last,
            ]
            .into_iter()
            .filter(|addr| !matches!(addr.octets(), [0, ..]))
            .collect(),
            Self::SixToFour => vec![Ipv4Addr::new(s1, s2, s3, s4)],
            // The server in clear, the client with every bit flipped.
            Self::Teredo => vec![
                Ipv4Addr::new(s3, s4, a6, a7),
                Ipv4Addr::from(!u32::from(last)),
            ],
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for DeniedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broadcast => "the broadcast address",
            Self::Isatap => "an ISATAP address",
            Self::LinkLocal => "a link-local address",
            Self::Loopback => "a loopback address",
            Self::Metadata => "a cloud's metadata service",
            Self::Multicast => "a multicast address",
            Self::Nat64 => "a NAT64 address",
            Self::Nat64Local => "a local-use NAT64 address",
            Self::SixToFour => "a 6to4 address",
            Self::Teredo => "a Teredo address",
            Self::Translated => "an IPv4-translated address",
            Self::Unspecified => "the unspecified address or its network",
            Self::V4Compatible => "an IPv4-compatible address",
        })
    }
}
