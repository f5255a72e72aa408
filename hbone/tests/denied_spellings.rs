//! No denied address passes the policy in any spelling: every denied range, spelled in every way that leads there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::{Authority, Hostname, Identity};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;

/// What must never be reached, by the documents that define it.
const DENIED_V4: [&str; 13] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "169.254.169.254/32",
    "169.254.170.2/32",
    "169.254.170.23/32",
    "192.88.99.0/24",
    "224.0.0.0/4",
    "255.255.255.255/32",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "169.254.42.42/32",
    "192.0.0.192/32",
];
const DENIED_V6: [&str; 17] = [
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2001::/32",
    "2002::/16",
    "fe80::/10",
    "ff00::/8",
    "fd00:ec2::254/128",
    "fd00:ec2::23/128",
    "fd20:ce::254/128",
    "fd00:42::42/128",
    "fd00:a9fe:a9fe::1/128",
    "fd00:c1::a9fe:a9fe/128",
    "fd00:100::100:200/128",
];
const DISGUISES: [DeniedRange; 7] = [
    DeniedRange::Isatap,
    DeniedRange::Nat64,
    DeniedRange::Nat64Local,
    DeniedRange::SixToFour,
    DeniedRange::Teredo,
    DeniedRange::Translated,
    DeniedRange::V4Compatible,
];

fn v4_within(net: &str, host: u32) -> Ipv4Addr {
    let net: Ipv4Net = net.parse().expect("a range");
    Ipv4Addr::from(u32::from(net.network()) | host & u32::from(net.hostmask()))
}

fn v6_within(net: &str, host: u128) -> Ipv6Addr {
    let net: Ipv6Net = net.parse().expect("a range");
    Ipv6Addr::from(u128::from(net.network()) | host & u128::from(net.hostmask()))
}

fn denied_v4() -> impl Strategy<Value = Ipv4Addr> {
    (0..DENIED_V4.len(), any::<u32>()).prop_map(|(index, host)| v4_within(DENIED_V4[index], host))
}

fn denied_v6() -> impl Strategy<Value = Ipv6Addr> {
    let isatap = (any::<u64>(), any::<bool>(), any::<u32>()).prop_map(|(prefix, universal, v4)| {
        let interface = if universal { 0x0200_5efe_u64 } else { 0x5efe };
        Ipv6Addr::from(u128::from(prefix) << 64 | u128::from(interface) << 32 | u128::from(v4))
    });
    let listed = (0..DENIED_V6.len(), any::<u128>())
        .prop_map(|(index, host)| v6_within(DENIED_V6[index], host));
    prop_oneof![4 => listed, 1 => isatap]
}

/// Every IPv6 address that leads to `addr` through some mapping or translator.
fn disguises(addr: Ipv4Addr, noise: u64) -> Vec<Ipv6Addr> {
    let v4 = u128::from(u32::from(addr));
    let top = |prefix: u128| prefix << 96;
    let (nat64, local) = (top(0x0064_ff9b), 0x0064_ff9b_0001_u128 << 80);
    let [a, b, c, d] = addr.octets().map(u128::from);
    [
        0xffff_0000_0000 | v4,                             // mapped
        v4,                                                // compatible
        0xffff_0000_0000_0000 | v4,                        // translated
        nat64 | v4,                                        // well-known prefix
        local | v4,                                        // local use, 96 bits
        local | a << 72 | b << 64 | c << 48 | d << 40,     // local use, 48 bits
        local | a << 64 | b << 48 | c << 40 | d << 32,     // local use, 56 bits
        local | a << 48 | b << 40 | c << 32 | d << 24,     // local use, 64 bits
        0x2002_u128 << 112 | v4 << 80 | u128::from(noise), // 6to4
        top(0x2001_0000) | 0x0808_0808_u128 << 64 | u128::from(!u32::from(addr)), // Teredo client
        top(0x2001_0000) | v4 << 64 | u128::from(!0x0808_0808_u32), // Teredo server
        0x2001_0db8_u128 << 96 | 0x5efe_u128 << 32 | v4,   // ISATAP
        0x2001_0db8_u128 << 96 | 0x0200_5efe_u128 << 32 | v4, // ISATAP, universal
    ]
    .map(Ipv6Addr::from)
    .to_vec()
}

/// The texts by which one address can be asked for.
fn texts(addr: Ipv6Addr) -> Vec<String> {
    let long: Vec<_> = addr.segments().map(|group| format!("{group:04X}")).to_vec();
    let mut texts = vec![
        format!("{addr}"),
        format!("{addr}").to_uppercase(),
        long.join(":"),
    ];
    let [.., high, low] = addr.segments();
    let last = Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    texts.push(format!("{}:{last}", long[..6].join(":")));
    texts
}

fn policies() -> Vec<DestinationPolicy> {
    let everywhere = ["0.0.0.0/0", "::/0"].map(|net| net.parse::<IpNet>().expect("a range"));
    let name: Hostname = "rebind.example".parse().expect("a host name");
    vec![
        DestinationPolicy::allow_any_destination(),
        DestinationPolicy::allow_list([
            AllowEntry::to_addresses(everywhere),
            AllowEntry::to_names([name.clone()]),
            AllowEntry::to_names([name]).within(everywhere),
        ]),
    ]
}

/// Whether the policy lets this address be dialled by any way of asking for it.
fn passes(policy: &DestinationPolicy, addr: SocketAddr) -> bool {
    let who: Identity = "spiffe://td/ns/a/sa/b".parse().expect("an identity");
    let name: Authority = "rebind.example:80".parse().expect("an authority");
    let by_name = policy
        .admit(&who, &name)
        .is_ok_and(|admitted| admitted.check(addr).is_ok());
    let spelled = match addr.ip() {
        IpAddr::V4(ip) => vec![ip.to_string()],
        IpAddr::V6(ip) => texts(ip)
            .into_iter()
            .map(|text| format!("[{text}]"))
            .collect(),
    };
    let by_text = spelled.into_iter().any(|host| {
        let authority = Authority::parse(&format!("{host}:{}", addr.port())).expect("an authority");
        policy.admit(&who, &authority).is_ok()
    });
    let by_value = policy.admit(&who, &Authority::Addr(addr)).is_ok();
    by_name || by_text || by_value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_denied_ipv4_address_never_passes(addr in denied_v4(), port in 1_u16.., noise: u64) {
        for policy in policies() {
            prop_assert!(!passes(&policy, SocketAddr::new(addr.into(), port)), "{addr}");
            for disguise in disguises(addr, noise) {
                prop_assert!(!passes(&policy, SocketAddr::new(disguise.into(), port)), "{addr} as {disguise}");
            }
        }
    }

    #[test]
    fn a_denied_ipv4_address_does_not_pass_even_where_disguises_are_open(addr in denied_v4(), port in 1_u16.., noise: u64) {
        let open = policies().into_iter().map(|policy| {
            DISGUISES.into_iter().fold(policy, |policy, range| policy.open(Opening::Range(range)))
        });
        for policy in open {
            // 0.0.0.0/8 is what the bits around a shorter NAT64 prefix look like, so only the local-use prefix hides it.
            let hidden = addr.octets()[0] == 0;
            // The relays of 6to4 are part of what was opened.
            let opened = Ipv4Net::new(Ipv4Addr::new(192, 88, 99, 0), 24).expect("a range").contains(&addr);
            for disguise in disguises(addr, noise) {
                let local_use = disguise.segments()[..3] == [0x64, 0xff9b, 1];
                if opened || hidden && local_use {
                    continue;
                }
                prop_assert!(!passes(&policy, SocketAddr::new(disguise.into(), port)), "{addr} as {disguise}");
            }
        }
    }

    #[test]
    fn an_ordinary_ipv4_address_never_passes_in_a_disguise(addr: Ipv4Addr, port in 1_u16.., noise: u64) {
        for policy in policies() {
            // Mapped is no disguise: it is the address itself.
            for disguise in disguises(addr, noise).into_iter().skip(1) {
                prop_assert!(!passes(&policy, SocketAddr::new(disguise.into(), port)), "{addr} as {disguise}");
            }
        }
    }

    #[test]
    fn a_denied_ipv6_address_never_passes(addr in denied_v6(), port in 1_u16..) {
        for policy in policies() {
            prop_assert!(!passes(&policy, SocketAddr::new(addr.into(), port)), "{addr}");
        }
    }

    #[test]
    fn every_other_address_passes(v4: Ipv4Addr, v6: Ipv6Addr) {
        let listed = |addr: IpAddr, nets: &[&str]| {
            nets.iter().any(|net| net.parse::<IpNet>().expect("a range").contains(&addr))
        };
        let isatap = matches!(v6.segments(), [_, _, _, _, 0 | 0x200, 0x5efe, _, _]);
        let mapped = v6.to_ipv4_mapped().is_some();
        for policy in policies() {
            prop_assert_eq!(passes(&policy, SocketAddr::new(v4.into(), 80)), !listed(v4.into(), &DENIED_V4));
            if !isatap && !mapped {
                prop_assert_eq!(passes(&policy, SocketAddr::new(v6.into(), 80)), !listed(v6.into(), &DENIED_V6));
            }
        }
    }
}
