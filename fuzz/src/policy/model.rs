use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening, RESERVED_PORTS};
use hbone::{Authority, Hostname, Identity, PORT};
use ipnet::IpNet;

use super::{address, identity, name, opening, port, range};
use crate::script::Script;

/// What a policy is made of.
#[derive(Debug)]
pub(super) struct Model {
    rule: Rule,
    openings: Vec<Opening>,
    denied: Vec<IpNet>,
    listeners: Vec<SocketAddr>,
    own: Vec<IpAddr>,
}

#[derive(Debug)]
enum Rule {
    Any,
    List(Vec<Entry>),
    Nothing,
    Local(IpAddr),
}

#[derive(Debug)]
struct Entry {
    peers: Option<Vec<Identity>>,
    ports: Option<(u16, u16)>,
    addresses: Option<Vec<IpNet>>,
    names: Vec<(bool, Hostname)>,
}

impl Model {
    pub(super) fn new(script: &mut Script<'_>) -> Self {
        let rule = match script.below(4) {
            0 => Rule::Any,
            1 => Rule::List(script.several(4, Entry::new)),
            2 => Rule::Local(address(script)),
            _ => Rule::Nothing,
        };
        Self {
            rule,
            openings: script.several(4, opening),
            denied: script.several(3, range),
            listeners: script.several(3, |script| SocketAddr::new(address(script), port(script))),
            own: script.several(3, address),
        }
    }

    pub(super) fn policy(&self) -> DestinationPolicy {
        let policy = match &self.rule {
            Rule::Any => DestinationPolicy::allow_any_destination(),
            Rule::List(entries) => DestinationPolicy::allow_list(entries.iter().map(Entry::entry)),
            Rule::Local(addr) => DestinationPolicy::local_only(*addr),
            Rule::Nothing => DestinationPolicy::deny_all(),
        };
        let policy = self.openings.iter().fold(policy, |it, one| it.open(*one));
        let policy = self.denied.iter().fold(policy, |it, one| it.deny(*one));
        let policy = self
            .listeners
            .iter()
            .fold(policy, |it, one| it.own_listener(*one));
        self.own.iter().fold(policy, |it, one| it.own_address(*one))
    }

    pub(super) fn admits(&self, who: &Identity, authority: &Authority) -> bool {
        self.takes_port(authority.port())
            && authority
                .addr()
                .is_none_or(|addr| !self.leads_to_denied(addr))
            && match &self.rule {
                Rule::Any => true,
                Rule::List(entries) => entries.iter().any(|it| it.admits(who, authority)),
                Rule::Local(local) => match authority.addr() {
                    Some(addr) => addr.ip() == local.to_canonical(),
                    None => self.openings.contains(&Opening::ServiceNames),
                },
                Rule::Nothing => false,
            }
    }

    pub(super) fn allows(&self, who: &Identity, authority: &Authority, addr: SocketAddr) -> bool {
        let ip = addr.ip().to_canonical();
        self.takes_port(addr.port())
            && !self.leads_to_denied(addr)
            && match &self.rule {
                Rule::Any => true,
                Rule::List(entries) => entries.iter().any(|it| {
                    it.admits(who, authority)
                        && it.addresses.as_ref().is_none_or(|ranges| is_in(ranges, ip))
                }),
                Rule::Local(local) => ip == local.to_canonical(),
                Rule::Nothing => false,
            }
    }

    fn takes_port(&self, port: u16) -> bool {
        let is_opened = self.openings.contains(&Opening::Port(port))
            || port == PORT && self.openings.contains(&Opening::TunnelPort);
        port != 0 && (is_opened || !RESERVED_PORTS.contains(&port))
    }

    pub(super) fn leads_to_denied(&self, addr: SocketAddr) -> bool {
        let ip = addr.ip().to_canonical();
        let is_ours = self.listeners.iter().any(|listener| {
            let of = listener.ip().to_canonical();
            let at_any = of.is_unspecified() || ip.is_unspecified();
            let ours = ip.is_loopback()
                || ip.is_unspecified()
                || self.own.is_empty()
                || self.own.iter().any(|own| own.to_canonical() == ip);
            listener.port() == addr.port() && (of == ip || at_any && ours)
        });
        // Where the denied ranges of IPv6 have the mapped addresses in them, the IPv4 address is denied by its other spelling.
        let is_configured = self
            .denied
            .iter()
            .any(|range| range.contains(&ip) || range.contains(&mapped(ip)));
        is_ours
            || is_configured
            || ranges(ip).into_iter().any(|(range, inside)| {
                let is_open = self.openings.contains(&Opening::Range(range));
                !is_open
                    || inside
                        .iter()
                        .any(|ip| self.leads_to_denied(SocketAddr::new((*ip).into(), addr.port())))
            })
    }
}

impl Entry {
    fn new(script: &mut Script<'_>) -> Self {
        let names = script.several(3, |script| {
            let Authority::Name { host, .. } = name(script, 1) else {
                unreachable!("it is a name")
            };
            (script.flag(), host)
        });
        let ranges = script.several(3, range);
        // `::/0` and its like are of IPv6 alone here, which is for tests of their own.
        let ranges = ranges
            .into_iter()
            .filter(|range| range.prefix_len() > 0 || range.addr().is_ipv4());
        let ranges: Vec<_> = ranges.collect();
        let is_of_names = !names.is_empty();
        Self {
            peers: script.maybe(|script| script.several(3, identity)),
            ports: script.maybe(|script| (script.word(), script.word())),
            addresses: (!is_of_names || script.flag()).then_some(ranges),
            names: if is_of_names { names } else { Vec::new() },
        }
    }

    fn entry(&self) -> AllowEntry {
        let below = self.names.first().is_some_and(|(below, _)| *below);
        let names = self.names.iter().map(|(_, name)| name.clone());
        let entry = match &self.addresses {
            Some(ranges) if self.names.is_empty() => AllowEntry::to_addresses(ranges.clone()),
            _ if below => AllowEntry::to_names_below(names),
            _ => AllowEntry::to_names(names),
        };
        let entry = match &self.addresses {
            Some(ranges) => entry.within(ranges.clone()),
            None => entry,
        };
        let entry = match &self.peers {
            Some(peers) => {
                entry.for_peers(peers.iter().cloned().collect::<hbone::ExpectedIdentities>())
            }
            None => entry,
        };
        match self.ports {
            Some((first, last)) => entry.at_ports([first..=last]),
            None => entry,
        }
    }

    fn admits(&self, who: &Identity, authority: &Authority) -> bool {
        let below = self.names.first().is_some_and(|(below, _)| *below);
        self.peers.as_ref().is_none_or(|peers| peers.contains(who))
            && self
                .ports
                .is_none_or(|(first, last)| (first..=last).contains(&authority.port()))
            && match authority {
                Authority::Addr(addr) => {
                    self.names.is_empty()
                        && is_in(self.addresses.as_deref().unwrap_or_default(), addr.ip())
                }
                Authority::Name { host, .. } => self.names.iter().any(|(_, name)| {
                    let ending = format!(".{name}");
                    if below {
                        host.as_str().ends_with(&ending)
                    } else {
                        name == host
                    }
                }),
            }
    }
}

fn is_in(ranges: &[IpNet], ip: IpAddr) -> bool {
    ranges
        .iter()
        .any(|range| range.contains(&ip) || is_mapped(range) && range.contains(&mapped(ip)))
}

fn is_mapped(range: &IpNet) -> bool {
    range.prefix_len() >= 96
        && matches!(range.addr(), IpAddr::V6(addr) if addr.to_ipv4_mapped().is_some())
}

fn mapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().into(),
        IpAddr::V6(_) => ip,
    }
}

/// The ranges that an address is in, as numbers, and the IPv4 addresses that it stands for in each.
fn ranges(ip: IpAddr) -> Vec<(DeniedRange, Vec<Ipv4Addr>)> {
    use DeniedRange::*;
    let metadata = [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "169.254.42.42",
        "169.254.0.23",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:42::42",
        "fd00:a9fe:a9fe::1",
        "fd00:c1::a9fe:a9fe",
        "fd00:100::100:200",
    ];
    let is_metadata = metadata.contains(&&*ip.to_string());
    let mut found = Vec::new();
    match ip {
        IpAddr::V4(ip) => {
            let n = u32::from(ip);
            let range = match n {
                0..=0x00ff_ffff => Some(Unspecified),
                0x7f00_0000..=0x7fff_ffff => Some(Loopback),
                0xa9fe_0000..=0xa9fe_ffff => Some(LinkLocal),
                0xc058_6300..=0xc058_63ff => Some(SixToFour),
                0xe000_0000..=0xefff_ffff => Some(Multicast),
                0xffff_ffff => Some(Broadcast),
                _ => None,
            };
            found.extend(range.map(|range| (range, Vec::new())));
        }
        IpAddr::V6(ip) => {
            let n = u128::from(ip);
            let v4 = |shift: u32| Ipv4Addr::from((n >> shift) as u32);
            let last = vec![v4(0)];
            if n == 0 {
                found.push((Unspecified, Vec::new()));
            } else if n == 1 {
                found.push((Loopback, Vec::new()));
            } else if n >> 32 == 0 {
                found.push((V4Compatible, last.clone()));
            } else if n >> 32 == 0xffff_0000 {
                found.push((Translated, last.clone()));
            } else if n >> 32 == 0x0064_ff9b << 64 {
                found.push((Nat64, last.clone()));
            } else if n >> 80 == 0x0064_ff9b_0001 {
                // Behind a prefix of 48, 56, 64 or 96 bits, without the octet of bits 64 to 71.
                let without = n >> 64 << 56 | n & u128::from(u64::MAX >> 8);
                let all = [without >> 40, without >> 32, without >> 24, n];
                let all = all.map(|n| n as u32).into_iter();
                let kept = all.filter(|n| n >> 24 != 0).map(Ipv4Addr::from);
                found.push((Nat64Local, kept.collect()));
            } else if n >> 96 == 0x2001_0000 {
                found.push((Teredo, vec![v4(64), Ipv4Addr::from(!(n as u32))]));
            } else if n >> 112 == 0x2002 {
                found.push((SixToFour, vec![v4(80)]));
            } else if n >> 118 == 0xfe80 >> 6 {
                found.push((LinkLocal, Vec::new()));
            } else if n >> 120 == 0xff {
                found.push((Multicast, Vec::new()));
            }
            if is_metadata {
                found.clear();
            }
            if (n >> 32) as u32 & !0x0200_0000 == 0x5efe {
                found.push((Isatap, last));
            }
        }
    }
    if is_metadata {
        found.retain(|(range, _)| *range == Isatap);
        found.insert(0, (Metadata, Vec::new()));
    }
    found
}
