//! What a peer may have us dial: fault rows 65, 77, 79 and 81 of `docs/faults.md`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hbone::policy::{
    Admitted, AllowEntry, Denied, DeniedRange, DestinationPolicy, Opening, RESERVED_PORTS,
};
use hbone::{Authority, ExpectedIdentities, Hostname, Identity};

fn cart() -> Identity {
    "spiffe://td/ns/shop/sa/cart".parse().expect("an identity")
}

fn authority(text: &str) -> Authority {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn socket(text: &str) -> SocketAddr {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn hostname(text: &str) -> Hostname {
    text.parse().expect("a host name")
}

/// Asks both questions about an address.
fn ask(policy: &DestinationPolicy, text: &str) -> Result<String, Denied> {
    let admitted = policy.admit(&cart(), &authority(text))?;
    let addr = authority(text).addr().expect("an address");
    admitted.check(addr).map(|checked| checked.to_string())
}

/// Asks both questions about a name and what it leads to.
fn resolve(policy: &DestinationPolicy, name: &str, addr: &str) -> Result<String, Denied> {
    let admitted = policy.admit(&cart(), &authority(name))?;
    admitted
        .check(socket(addr))
        .map(|checked| checked.addr().to_string())
}

fn range(addr: &str, range: DeniedRange) -> Denied {
    Denied::Range {
        addr: addr.parse().expect("an address"),
        range,
    }
}

fn net(text: &str) -> ipnet::IpNet {
    text.parse().expect("a range of addresses")
}

// [81]
/// HBONE-Q-001.
#[test]
fn everything_is_denied_by_default() {
    for policy in [DestinationPolicy::default(), DestinationPolicy::deny_all()] {
        assert_eq!(ask(&policy, "10.0.0.7:80"), Err(Denied::All));
        assert_eq!(
            policy.admit(&cart(), &authority("echo:80")).err(),
            Some(Denied::All)
        );
        let open = policy
            .open(Opening::Range(DeniedRange::Loopback))
            .open(Opening::ServiceNames);
        assert_eq!(ask(&open, "127.0.0.1:80"), Err(Denied::All));
    }
}

#[test]
fn the_local_rule_takes_the_local_address_and_any_ordinary_port() {
    let policy = DestinationPolicy::local_only("10.0.0.7".parse().expect("an address"));
    assert_eq!(ask(&policy, "10.0.0.7:80"), Ok("10.0.0.7:80".to_owned()));
    assert_eq!(
        ask(&policy, "[::ffff:10.0.0.7]:8080"),
        Ok("10.0.0.7:8080".to_owned())
    );
    let not_local = |asked: &str| Denied::NotLocal {
        local: "10.0.0.7".parse().expect("an address"),
        asked: asked.parse().expect("an address"),
    };
    assert_eq!(ask(&policy, "10.0.0.8:80"), Err(not_local("10.0.0.8")));
    assert_eq!(
        ask(&policy, "[2001:db8::1]:80"),
        Err(not_local("2001:db8::1"))
    );
    assert_eq!(
        policy.admit(&cart(), &authority("echo:80")).err(),
        Some(Denied::Name)
    );

    let admitted = policy
        .admit(&cart(), &authority("10.0.0.7:80"))
        .expect("the local address");
    assert_eq!(
        admitted.check(socket("10.0.0.8:80")),
        Err(not_local("10.0.0.8"))
    );
}

#[test]
fn the_local_rule_takes_a_service_name_only_if_opened_and_only_to_the_local_address() {
    let policy = DestinationPolicy::local_only("10.0.0.7".parse().expect("an address"))
        .open(Opening::ServiceNames);
    assert_eq!(
        resolve(&policy, "echo.default.svc:80", "10.0.0.7:8080"),
        Ok("10.0.0.7:8080".to_owned())
    );
    assert!(matches!(
        resolve(&policy, "echo.default.svc:80", "10.0.0.8:8080"),
        Err(Denied::NotLocal { .. })
    ));
}

#[test]
fn an_ipv4_mapped_local_address_is_the_ipv4_address() {
    let policy = DestinationPolicy::local_only("::ffff:10.0.0.7".parse().expect("an address"));
    assert_eq!(ask(&policy, "10.0.0.7:80"), Ok("10.0.0.7:80".to_owned()));
}
/// HBONE-X-008.

#[test]
fn an_allow_list_is_by_peer_and_address_and_port() {
    let shop: ExpectedIdentities = cart().into();
    let policy = DestinationPolicy::allow_list([
        AllowEntry::to_addresses([net("10.1.0.0/16")])
            .for_peers(shop)
            .at_ports([80..=80, 8000..=8999]),
        AllowEntry::to_addresses([net("2001:db8::/64")]),
    ]);
    assert!(ask(&policy, "10.1.2.3:80").is_ok());
    assert!(ask(&policy, "10.1.2.3:8080").is_ok());
    assert!(ask(&policy, "[2001:db8::7]:22").is_ok());
    for text in [
        "10.1.2.3:81",
        "10.1.2.3:9000",
        "10.2.0.1:80",
        "[2001:db8:1::7]:22",
    ] {
        assert_eq!(ask(&policy, text), Err(Denied::NotListed), "{text}");
    }
    assert_eq!(
        policy.admit(&cart(), &authority("echo:80")).err(),
        Some(Denied::NotListed)
    );

    let other: Identity = "spiffe://td/ns/shop/sa/other".parse().expect("an identity");
    assert_eq!(
        policy.admit(&other, &authority("10.1.2.3:80")).err(),
        Some(Denied::NotListed)
    );
    assert!(policy.admit(&other, &authority("[2001:db8::7]:80")).is_ok());
}

#[test]
fn an_entry_for_nobody_lets_nobody_through() {
    let entry =
        AllowEntry::to_addresses([net("0.0.0.0/0")]).for_peers(ExpectedIdentities::default());
    assert_eq!(
        ask(&DestinationPolicy::allow_list([entry]), "10.0.0.1:80"),
        Err(Denied::NotListed)
    );
    assert_eq!(
        ask(&DestinationPolicy::allow_list([]), "10.0.0.1:80"),
        Err(Denied::NotListed)
    );
}

#[test]
fn an_allow_list_takes_names_exactly_or_below_a_parent() {
    let policy = DestinationPolicy::allow_list([
        AllowEntry::to_names([hostname("echo.example")]),
        AllowEntry::to_names_below([hostname("svc.cluster.local")]).at_ports([80..=80]),
    ]);
    assert!(resolve(&policy, "ECHO.example.:22", "192.0.2.1:22").is_ok());
    assert!(resolve(&policy, "a.b.svc.cluster.local:80", "192.0.2.1:8080").is_ok());
    for name in [
        "other.example:80",
        "x.echo.example:80",
        "svc.cluster.local:80",
        "evilsvc.cluster.local:80",
        "a.svc.cluster.local:81",
    ] {
        assert_eq!(
            policy.admit(&cart(), &authority(name)).err(),
            Some(Denied::NotListed),
            "{name}"
        );
    }
    assert_eq!(ask(&policy, "192.0.2.1:80"), Err(Denied::NotListed));
}

// [77]
#[test]
fn a_name_does_not_lead_where_no_peer_may_go() {
    let policy =
        DestinationPolicy::allow_list([AllowEntry::to_names([hostname("rebind.example")])]);
    let lead = |addr: &str| resolve(&policy, "rebind.example:80", addr);
    assert_eq!(
        lead("127.0.0.1:80"),
        Err(range("127.0.0.1", DeniedRange::Loopback))
    );
    assert_eq!(lead("[::1]:80"), Err(range("::1", DeniedRange::Loopback)));
    assert_eq!(
        lead("169.254.169.254:80"),
        Err(range("169.254.169.254", DeniedRange::Metadata))
    );
    assert_eq!(
        lead("[::ffff:169.254.1.1]:80"),
        Err(range("169.254.1.1", DeniedRange::LinkLocal))
    );
    assert_eq!(
        lead("[fe80::1%3]:80"),
        Err(range("fe80::1", DeniedRange::LinkLocal))
    );
    assert_eq!(lead("192.0.2.1:15000"), Err(Denied::ReservedPort(15000)));
    assert_eq!(lead("192.0.2.1:0"), Err(Denied::PortZero));
    assert_eq!(lead("192.0.2.1:80"), Ok("192.0.2.1:80".to_owned()));
}

// [77]
#[test]
fn a_name_may_be_held_to_ranges_of_addresses() {
    let policy = DestinationPolicy::allow_list([
        AllowEntry::to_names([hostname("inside.example")]).within([net("10.0.0.0/8")]),
        AllowEntry::to_names([hostname("outside.example")]),
    ]);
    assert!(resolve(&policy, "inside.example:80", "10.0.0.1:80").is_ok());
    let elsewhere = "192.0.2.1".parse().expect("an address");
    assert_eq!(
        resolve(&policy, "inside.example:80", "192.0.2.1:80"),
        Err(Denied::Resolved(elsewhere))
    );
    assert!(resolve(&policy, "outside.example:80", "192.0.2.1:80").is_ok());
}

#[test]
fn an_allowed_address_does_not_lead_to_one_that_is_not() {
    let policy = DestinationPolicy::allow_list([AllowEntry::to_addresses([net("10.0.0.0/8")])]);
    assert!(resolve(&policy, "10.96.0.1:80", "10.1.2.3:8080").is_ok());
    let elsewhere = "192.0.2.1".parse().expect("an address");
    assert_eq!(
        resolve(&policy, "10.96.0.1:80", "192.0.2.1:80"),
        Err(Denied::Resolved(elsewhere))
    );
}

// [65]
#[test]
fn addresses_in_disguise_are_denied_whatever_the_rule() {
    let everything =
        DestinationPolicy::allow_list([AllowEntry::to_addresses([net("0.0.0.0/0"), net("::/0")])]);
    for policy in [DestinationPolicy::allow_any_destination(), everything] {
        for (text, addr, name) in [
            ("127.0.0.1:80", "127.0.0.1", DeniedRange::Loopback),
            (
                "127.255.255.254:80",
                "127.255.255.254",
                DeniedRange::Loopback,
            ),
            ("[::1]:80", "::1", DeniedRange::Loopback),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1", DeniedRange::Loopback),
            ("[::127.0.0.1]:80", "::127.0.0.1", DeniedRange::V4Compatible),
            (
                "[64:ff9b::7f00:1]:80",
                "64:ff9b::7f00:1",
                DeniedRange::Nat64,
            ),
            (
                "[64:ff9b::8.8.8.8]:80",
                "64:ff9b::808:808",
                DeniedRange::Nat64,
            ),
            (
                "[64:ff9b:1::7f00:1]:80",
                "64:ff9b:1::7f00:1",
                DeniedRange::Nat64Local,
            ),
            (
                "[64:ff9b:1:ffff::1]:80",
                "64:ff9b:1:ffff::1",
                DeniedRange::Nat64Local,
            ),
            (
                "[2002:7f00:1::]:80",
                "2002:7f00:1::",
                DeniedRange::SixToFour,
            ),
            ("192.88.99.1:80", "192.88.99.1", DeniedRange::SixToFour),
            ("[2001::1]:80", "2001::1", DeniedRange::Teredo),
            (
                "[::ffff:0:127.0.0.1]:80",
                "::ffff:0:7f00:1",
                DeniedRange::Translated,
            ),
            (
                "[2001:db8::5efe:7f00:1]:80",
                "2001:db8::5efe:7f00:1",
                DeniedRange::Isatap,
            ),
            (
                "[2001:db8::200:5efe:10.0.0.1]:80",
                "2001:db8::200:5efe:a00:1",
                DeniedRange::Isatap,
            ),
            ("0.0.0.0:80", "0.0.0.0", DeniedRange::Unspecified),
            ("0.1.2.3:80", "0.1.2.3", DeniedRange::Unspecified),
            ("[::]:80", "::", DeniedRange::Unspecified),
            ("169.254.0.1:80", "169.254.0.1", DeniedRange::LinkLocal),
            ("[fe80::1]:80", "fe80::1", DeniedRange::LinkLocal),
            ("[febf::1]:80", "febf::1", DeniedRange::LinkLocal),
            (
                "169.254.169.254:80",
                "169.254.169.254",
                DeniedRange::Metadata,
            ),
            ("[fd00:ec2::254]:80", "fd00:ec2::254", DeniedRange::Metadata),
            (
                "100.100.100.200:80",
                "100.100.100.200",
                DeniedRange::Metadata,
            ),
            ("224.0.0.1:80", "224.0.0.1", DeniedRange::Multicast),
            (
                "239.255.255.255:80",
                "239.255.255.255",
                DeniedRange::Multicast,
            ),
            ("[ff02::1]:80", "ff02::1", DeniedRange::Multicast),
            (
                "255.255.255.255:80",
                "255.255.255.255",
                DeniedRange::Broadcast,
            ),
        ] {
            assert_eq!(ask(&policy, text), Err(range(addr, name)), "{text}");
        }
    }
}

#[test]
fn addresses_of_pods_and_services_are_not_among_the_denied() {
    let policy = DestinationPolicy::allow_any_destination();
    for text in [
        "10.0.0.1:80",
        "172.16.0.1:80",
        "192.168.0.1:80",
        "100.64.0.1:80",
        "240.240.0.1:80",
        "203.0.113.1:80",
        "1.1.1.1:80",
        "126.255.255.255:80",
        "128.0.0.1:80",
        "169.253.255.255:80",
        "169.255.0.0:80",
        "223.255.255.255:80",
        "192.88.98.1:80",
        "[fd00::1]:80",
        "[2001:2::1]:80",
        "[2001:db8::1]:80",
        "[2003::1]:80",
        "[fe7f::1]:80",
        "[fec0::1]:80",
        "[64:ff9b:2::1]:80",
        "[64:ff9a::1]:80",
        "[2606:4700::1111]:80",
    ] {
        assert!(ask(&policy, text).is_ok(), "{text}");
    }
}

#[test]
fn every_clouds_metadata_service_stays_shut_whatever_is_open_around_it() {
    let policy =
        DestinationPolicy::allow_any_destination().open(Opening::Range(DeniedRange::LinkLocal));
    for addr in [
        "100.100.100.200",
        "168.63.129.16",
        "169.254.0.23",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "169.254.42.42",
        "192.0.0.192",
        "fd00:100::100:200",
        "fd00:42::42",
        "fd00:a9fe:a9fe::1",
        "fd00:c1::a9fe:a9fe",
        "fd00:ec2::23",
        "fd00:ec2::254",
        "fd20:ce::254",
    ] {
        let denied = Err(range(addr, DeniedRange::Metadata));
        let ip: IpAddr = addr.parse().expect("an address");
        let led_to = SocketAddr::new(ip, 80).to_string();
        assert_eq!(
            resolve(&policy, "metadata.example:80", &led_to),
            denied,
            "{addr}"
        );
    }
}

#[test]
fn a_range_is_opened_by_name_and_nothing_else_with_it() {
    let policy =
        DestinationPolicy::allow_any_destination().open(Opening::Range(DeniedRange::Loopback));
    assert_eq!(ask(&policy, "127.0.0.1:80"), Ok("127.0.0.1:80".to_owned()));
    assert_eq!(ask(&policy, "[::1]:80"), Ok("[::1]:80".to_owned()));
    assert_eq!(
        ask(&policy, "[::ffff:127.0.0.1]:80"),
        Ok("127.0.0.1:80".to_owned())
    );
    assert_eq!(
        ask(&policy, "[64:ff9b::7f00:1]:80"),
        Err(range("64:ff9b::7f00:1", DeniedRange::Nat64))
    );
    assert_eq!(
        ask(&policy, "0.0.0.0:80"),
        Err(range("0.0.0.0", DeniedRange::Unspecified))
    );

    let policy =
        DestinationPolicy::allow_any_destination().open(Opening::Range(DeniedRange::LinkLocal));
    assert!(ask(&policy, "169.254.1.1:80").is_ok());
    assert_eq!(
        ask(&policy, "169.254.169.254:80"),
        Err(range("169.254.169.254", DeniedRange::Metadata))
    );
    assert_eq!(
        ask(&policy, "[fe80::5efe:7f00:1]:80"),
        Err(range("fe80::5efe:7f00:1", DeniedRange::Isatap))
    );
}

#[test]
fn an_opened_disguise_still_denies_what_is_disguised() {
    let base = DestinationPolicy::allow_any_destination()
        .deny(net("10.9.0.0/16"))
        .own_listener(socket("10.0.0.1:8080"));
    for (disguise, good, bad) in [
        (
            DeniedRange::Nat64,
            "[64:ff9b::8.8.8.8]",
            "[64:ff9b::127.0.0.1]",
        ),
        (
            DeniedRange::Nat64Local,
            "[64:ff9b:1::8.8.8.8]",
            "[64:ff9b:1::127.0.0.1]",
        ),
        (
            DeniedRange::Nat64Local,
            "[64:ff9b:1:808:8:800::]",
            "[64:ff9b:1:7f00:0:100::]",
        ),
        (
            DeniedRange::Nat64Local,
            "[64:ff9b:1:8:8:808::]",
            "[64:ff9b:1:7f:0:1::]",
        ),
        (
            DeniedRange::Nat64Local,
            "[64:ff9b:1:0:8:808:800:0]",
            "[64:ff9b:1:0:7f:0:100:0]",
        ),
        (
            DeniedRange::SixToFour,
            "[2002:808:808::1]",
            "[2002:7f00:1::1]",
        ),
        (
            DeniedRange::Teredo,
            "[2001:0:808:808::f7f7:f7f7]",
            "[2001:0:808:808::80ff:fffe]",
        ),
        (
            DeniedRange::Teredo,
            "[2001:0:808:808::f7f7:f7f7]",
            "[2001:0:a9fe:a9fe::f7f7:f7f7]",
        ),
        (
            DeniedRange::Translated,
            "[::ffff:0:8.8.8.8]",
            "[::ffff:0:169.254.169.254]",
        ),
        (DeniedRange::V4Compatible, "[::8.8.8.8]", "[::127.0.0.1]"),
        (
            DeniedRange::Isatap,
            "[2001:db8::5efe:8.8.8.8]",
            "[2001:db8::5efe:127.0.0.1]",
        ),
    ] {
        let policy = base.clone().open(Opening::Range(disguise));
        assert!(
            ask(&policy, &format!("{good}:80")).is_ok(),
            "{disguise:?} {good}"
        );
        assert!(
            matches!(
                ask(&policy, &format!("{bad}:80")),
                Err(Denied::Range { .. })
            ),
            "{disguise:?} {bad}"
        );
    }
    let policy = base.open(Opening::Range(DeniedRange::Nat64));
    assert_eq!(
        ask(&policy, "[64:ff9b::10.9.1.2]:80"),
        Err(Denied::Configured(IpAddr::from([10, 9, 1, 2])))
    );
    assert_eq!(
        ask(&policy, "[64:ff9b::10.0.0.1]:8080"),
        Err(Denied::OwnListener(socket("10.0.0.1:8080")))
    );
}

#[test]
fn a_range_denied_by_configuration_is_denied_in_either_spelling() {
    for denied in ["10.9.0.0/16", "::ffff:10.9.0.0/112"] {
        let policy = DestinationPolicy::allow_any_destination().deny(net(denied));
        let configured = Err(Denied::Configured(IpAddr::from([10, 9, 1, 2])));
        assert_eq!(ask(&policy, "10.9.1.2:80"), configured);
        assert_eq!(ask(&policy, "[::ffff:10.9.1.2]:80"), configured);
        assert_eq!(resolve(&policy, "echo:80", "10.9.1.2:80"), configured);
        assert!(ask(&policy, "10.8.1.2:80").is_ok());
    }
}

#[test]
fn to_deny_what_the_mapped_addresses_lie_in_is_to_deny_ipv4() {
    for denied in ["::/0", "::/80", "::fffe:0:0/95", "::ffff:0:0/96"] {
        let policy = DestinationPolicy::allow_any_destination().deny(net(denied));
        for addr in ["10.9.1.2:80", "[::ffff:10.9.1.2]:80", "203.0.113.7:80"] {
            let configured = Err(Denied::Configured(socket(addr).ip().to_canonical()));
            assert_eq!(ask(&policy, addr), configured, "{denied}");
            assert_eq!(resolve(&policy, "echo:80", addr), configured, "{denied}");
        }
    }
    for denied in [
        "2000::/3",
        "::/97",
        "::1:0:0:0/80",
        "8000::/1",
        "::ffff:0:0:0/95",
    ] {
        let policy = DestinationPolicy::allow_any_destination().deny(net(denied));
        assert!(ask(&policy, "10.9.1.2:80").is_ok(), "{denied}");
    }
}

#[test]
fn to_allow_all_of_ipv6_is_not_to_allow_ipv4() {
    for allowed in ["::/0", "::/80", "::fffe:0:0/95"] {
        let policy = DestinationPolicy::allow_list([
            AllowEntry::to_addresses([net(allowed)]),
            AllowEntry::to_names([hostname("echo")]).within([net(allowed)]),
        ]);
        for addr in ["10.9.1.2:80", "[::ffff:10.9.1.2]:80"] {
            assert_eq!(ask(&policy, addr), Err(Denied::NotListed), "{allowed}");
            let ip = IpAddr::from([10, 9, 1, 2]);
            let resolved = resolve(&policy, "echo:80", addr);
            assert_eq!(resolved, Err(Denied::Resolved(ip)), "{allowed}");
        }
    }
    let all = DestinationPolicy::allow_list([AllowEntry::to_addresses([net("::/0")])]);
    assert!(ask(&all, "[2001:db8::7]:80").is_ok());
    let mapped = DestinationPolicy::allow_list([AllowEntry::to_addresses([net("::ffff:0:0/96")])]);
    assert!(ask(&mapped, "10.9.1.2:80").is_ok());
}

// [79]
#[test]
fn the_ports_of_the_proxies_are_denied_before_and_after_resolution() {
    let policy = DestinationPolicy::allow_any_destination();
    for port in RESERVED_PORTS {
        assert_eq!(
            ask(&policy, &format!("10.0.0.1:{port}")),
            Err(Denied::ReservedPort(port))
        );
        assert_eq!(
            policy
                .admit(&cart(), &authority(&format!("echo:{port}")))
                .err(),
            Some(Denied::ReservedPort(port))
        );
        assert_eq!(
            resolve(&policy, "echo:80", &format!("10.0.0.1:{port}")),
            Err(Denied::ReservedPort(port))
        );
    }
}

#[test]
fn a_gateway_may_dial_the_tunnel_port_if_opened_and_no_other() {
    let policy = DestinationPolicy::allow_any_destination().open(Opening::TunnelPort);
    assert!(ask(&policy, "10.0.0.1:15008").is_ok());
    assert_eq!(
        ask(&policy, "10.0.0.1:15006"),
        Err(Denied::ReservedPort(15006))
    );
    let policy = DestinationPolicy::allow_any_destination().open(Opening::Port(15021));
    assert!(ask(&policy, "10.0.0.1:15021").is_ok());
    assert_eq!(
        ask(&policy, "10.0.0.1:15008"),
        Err(Denied::ReservedPort(15008))
    );
}

// [79]
#[test]
fn our_own_listeners_are_denied_whatever_is_open() {
    let policy = DestinationPolicy::allow_any_destination()
        .open(Opening::TunnelPort)
        .open(Opening::Range(DeniedRange::Loopback))
        .open(Opening::Range(DeniedRange::Unspecified))
        .own_listener(socket("10.0.0.1:15008"))
        .own_listener(socket("[::ffff:10.0.0.1]:9000"))
        .own_listener(socket("127.0.0.1:9901"));
    for text in [
        "10.0.0.1:15008",
        "10.0.0.1:9000",
        "[::ffff:10.0.0.1]:9000",
        "127.0.0.1:9901",
        "0.0.0.0:9901",
        "[::]:9901",
    ] {
        assert!(
            matches!(ask(&policy, text), Err(Denied::OwnListener(_))),
            "{text}"
        );
    }
    for text in ["10.0.0.2:15008", "10.0.0.1:9001", "127.0.0.2:9901"] {
        assert!(ask(&policy, text).is_ok(), "{text}");
    }
}

// [79]
#[test]
fn a_listener_on_every_address_is_denied_at_each_of_our_own() {
    let listening = DestinationPolicy::allow_any_destination()
        .open(Opening::Range(DeniedRange::Loopback))
        .own_listener(socket("[::]:9000"));
    assert!(matches!(
        ask(&listening, "203.0.113.1:9000"),
        Err(Denied::OwnListener(_))
    ));
    let known = listening.own_address("10.0.0.1".parse().expect("an address"));
    for text in [
        "10.0.0.1:9000",
        "127.0.0.1:9000",
        "127.7.7.7:9000",
        "[::1]:9000",
    ] {
        assert!(
            matches!(ask(&known, text), Err(Denied::OwnListener(_))),
            "{text}"
        );
    }
    assert!(ask(&known, "203.0.113.1:9000").is_ok());
    assert!(ask(&known, "10.0.0.1:9001").is_ok());
}

#[test]
fn an_authority_that_was_never_text_is_checked_all_the_same() {
    let policy = DestinationPolicy::allow_any_destination();
    let admit = |addr: SocketAddr| policy.admit(&cart(), &Authority::Addr(addr)).err();
    assert_eq!(admit(socket("10.0.0.1:0")), Some(Denied::PortZero));
    assert_eq!(
        admit(socket("[::ffff:127.0.0.1]:80")),
        Some(range("127.0.0.1", DeniedRange::Loopback))
    );
    let local = DestinationPolicy::local_only("10.0.0.1".parse().expect("an address"));
    assert!(
        local
            .admit(&cart(), &Authority::Addr(socket("[::ffff:10.0.0.1]:80")))
            .is_ok()
    );
}

#[test]
fn what_is_dialled_is_canonical() {
    let policy = DestinationPolicy::allow_any_destination();
    let admitted = policy
        .admit(&cart(), &authority("echo:80"))
        .expect("a name");
    let scoped =
        std::net::SocketAddrV6::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 80, 7, 7);
    assert_eq!(
        admitted.check(scoped.into()).map(|checked| checked.addr()),
        Ok(socket("[2001:db8::1]:80"))
    );
}

#[test]
fn both_answers_are_of_one_policy() {
    let mut policy = DestinationPolicy::allow_any_destination();
    let admitted: Admitted = policy
        .admit(&cart(), &authority("echo:80"))
        .expect("a name");
    policy = DestinationPolicy::deny_all();
    assert!(admitted.check(socket("10.0.0.1:80")).is_ok());
    assert_eq!(
        policy.admit(admitted.who(), admitted.authority()).err(),
        Some(Denied::All)
    );
}
