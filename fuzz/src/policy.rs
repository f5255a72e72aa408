mod model;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hbone::policy::{DeniedRange, Opening};
use hbone::{Authority, Hostname, Identity};
use ipnet::IpNet;

use crate::script::Script;
use model::Model;

/// Any policy, peer, authority and address, in any spelling: both questions are answered as a naive model answers them, and what may be
/// dialled leads to nothing that is denied.
pub fn policy(data: &[u8]) {
    let mut script = Script::new(data);
    let model = Model::new(&mut script);
    let policy = model.policy();
    for _ in 0..4 {
        let who = identity(&mut script);
        let asked = address(&mut script);
        let port = port(&mut script);
        let authority = match script.below(3) {
            0 => match spelt(asked, port, &mut script) {
                Some(authority) => authority,
                None => continue,
            },
            1 => Authority::from(SocketAddr::new(asked, port)),
            _ => name(&mut script, port),
        };
        let dialled = SocketAddr::new(address(&mut script), port);
        for addr in [authority.addr(), Some(dialled)].into_iter().flatten() {
            let admitted = policy.admit(&who, &authority);
            assert_eq!(
                admitted.is_ok(),
                model.admits(&who, &authority),
                "{model:?} {who} {authority} {admitted:?}"
            );
            let Ok(admitted) = admitted else { continue };
            let checked = admitted.check(addr);
            assert_eq!(
                checked.is_ok(),
                model.allows(&who, &authority, addr),
                "{model:?} {who} {authority} {addr} {checked:?}"
            );
            let Ok(checked) = checked else { continue };
            let to = checked.addr();
            assert_eq!(to, SocketAddr::new(addr.ip().to_canonical(), addr.port()));
            assert!(!model.leads_to_denied(to), "{model:?} {to}");
        }
    }
}

fn opening(script: &mut Script<'_>) -> Opening {
    use DeniedRange::*;
    let all = [
        Broadcast,
        Isatap,
        LinkLocal,
        Loopback,
        Metadata,
        Multicast,
        Nat64,
        Nat64Local,
        SixToFour,
        Teredo,
        Translated,
        Unspecified,
        V4Compatible,
    ];
    match script.below(4) {
        0 => Opening::Port(port(script)),
        1 => Opening::ServiceNames,
        2 => Opening::TunnelPort,
        _ => Opening::Range(script.one_of(&all)),
    }
}

fn port(script: &mut Script<'_>) -> u16 {
    match script.below(3) {
        0 => script.one_of(&[80, 0, 15008, 15001, 15090, 8080]),
        1 => 80,
        _ => script.word(),
    }
}

fn identity(script: &mut Script<'_>) -> Identity {
    let all = [
        "spiffe://a/ns/x/sa/one",
        "spiffe://a/ns/x/sa/two",
        "spiffe://b/ns/x/sa/one",
    ];
    script.one_of(&all).parse().expect("an identity")
}

fn name(script: &mut Script<'_>, port: u16) -> Authority {
    let all = ["shop.svc", "a.shop.svc", "b.a.shop.svc", "xshop.svc", "svc"];
    let host: Hostname = script.one_of(&all).parse().expect("a name");
    // Nobody can ask for port 0 by name.
    Authority::from((host, port.max(1).try_into().expect("not 0")))
}

fn range(script: &mut Script<'_>) -> IpNet {
    let addr = address(script);
    let most = if addr.is_ipv4() { 33 } else { 129 };
    let prefix = script.below(most);
    IpNet::new(addr, u8::try_from(prefix).expect("at most 128"))
        .expect("a prefix")
        .trunc()
}

/// An address, often one that is denied, often in one of the disguises that IPv6 has for an IPv4 address.
fn address(script: &mut Script<'_>) -> IpAddr {
    let v4 = match script.below(3) {
        0 => script.one_of(&[
            [10, 0, 0, 7],
            [127, 0, 0, 1],
            [169, 254, 169, 254],
            [0, 0, 0, 0],
            [255, 255, 255, 255],
            [224, 0, 0, 1],
            [192, 88, 99, 1],
            [169, 254, 0, 9],
            [100, 100, 100, 200],
        ]),
        1 => [10, 0, 0, script.octet()],
        _ => script.octets(),
    };
    let n = u128::from(u32::from_be_bytes(v4));
    let word = |script: &mut Script<'_>| u128::from(script.word());
    let v6 = match script.below(12) {
        0..=2 => return Ipv4Addr::from(v4).into(),
        3 => 0xffff << 32 | n,
        4 => n,
        5 => 0xffff_0000 << 32 | n,
        6 => 0x0064_ff9b << 96 | n,
        7 => 0x0064_ff9b_0001 << 80 | (n >> 16) << 64 | (n & 0xffff) << 40 | word(script),
        8 => 0x2001 << 112 | n << 64 | u128::from(!script.word()) << 16 | word(script),
        9 => 0x2002 << 112 | n << 80 | word(script),
        10 => {
            0xfd00 << 112 | word(script) << 64 | u128::from(script.flag()) << 57 | 0x5efe << 32 | n
        }
        _ => u128::from_be_bytes(script.octets()),
    };
    Ipv6Addr::from(v6).into()
}

/// The authority in one of the spellings that a peer can choose; `None` for one that is none.
fn spelt(addr: IpAddr, port: u16, script: &mut Script<'_>) -> Option<Authority> {
    let text = match addr {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            let n = u32::from(ip);
            let disguises = [
                ip.to_string(),
                n.to_string(),
                format!("{n:#x}"),
                format!("{a:#o}.{b}.{c}.{d}"),
                format!("0{a:o}.{b}.{c}.{d}"),
                format!("{a}.{b}.{}", u32::from(c) << 8 | u32::from(d)),
                format!("{a}.{}", n & 0x00ff_ffff),
                format!("{a}.{b}.{c}.{d}."),
                format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
                format!("{a:03}.{b}.{c}.{d}"),
                format!("[::ffff:{a}.{b}.{c}.{d}]"),
                format!("[0:0:0:0:0:FFFF:{:x}:{:x}]", n >> 16, n & 0xffff),
            ];
            script.one_of(&disguises)
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, e, f, g, h] = ip.segments();
            let [.., w, x, y, z] = ip.octets();
            let spellings = [
                format!("[{ip}]"),
                format!("[{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{f:x}:{g:x}:{h:x}]"),
                format!("[{a:04X}:{b:04X}:{c:04X}:{d:04X}:{e:04X}:{f:04X}:{g:04X}:{h:04X}]"),
                format!("[{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{f:x}:{w}.{x}.{y}.{z}]"),
                format!("[{ip}%25eth0]"),
                ip.to_string(),
            ];
            script.one_of(&spellings)
        }
    };
    let read = Authority::parse(&format!("{text}:{port}"));
    // Either it says the same address, or it says nothing: never another one, and never a name.
    if let Ok(authority) = &read {
        assert_eq!(
            *authority,
            Authority::from(SocketAddr::new(addr, port)),
            "{text}"
        );
    }
    read.ok()
}
