//! What a CONNECT asks of the proxy that received it.

use std::collections::BTreeMap;

use hbone::mesh::{
    Entropy, Forward, Fronted, GatewayAddress, Health, Local, LocalTarget, NamespacedHostname,
    NoRoute, NotHere, Ports, Protocol, Service, Source, StaticMesh, TunnelProtocol, Visibility,
    Workload, forward, fronted, plan,
};
use hbone::{Answer, IstioSource, Reject};
use http::StatusCode;

use crate::two_networks::{
    FIRST, address, authority, find, hostname, mesh, name, service, services, workload, workloads,
};

/// What the CONNECT asks of the workload, connected to at its first address.
fn asked(uid: &str, text: &str) -> Result<LocalTarget, NotHere> {
    asked_in(&mesh(), uid, text)
}

fn asked_in(mesh: &StaticMesh, uid: &str, text: &str) -> Result<LocalTarget, NotHere> {
    let workload = find(mesh, uid);
    Local::new(&workload, workload.addresses[0]).target(mesh, &authority(text))
}

fn status(reason: &NotHere) -> StatusCode {
    match Reject::from(reason).answer() {
        Answer::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

fn arc<T>(value: T) -> std::sync::Arc<T> {
    value.into()
}

fn the_service(short: &str) -> Service {
    let mut all = services().into_iter();
    all.find(|service| service.name == name(short)).unwrap()
}

#[test]
fn the_own_address_means_that_port() {
    // [R36]
    let own = LocalTarget::Own {
        target: "10.0.0.11:7000".parse().unwrap(),
    };
    assert_eq!(asked("east/echo-light", "10.0.0.11:7000").unwrap(), own);
    assert_eq!(
        asked("east/echo-light", "[::ffff:10.0.0.11]:7000").unwrap(),
        own
    );
}

/// HBONE-S-004.
#[test]
fn the_address_connected_to_counts_and_not_another_of_the_workloads() {
    // [R36], [R39]
    let mesh = mesh();
    let dual = find(&mesh, "east/dual");
    let local = Local::new(&dual, "fd00::90".parse().unwrap());
    let target = |text| local.target(&mesh, &authority(text));
    assert!(target("[fd00::90]:8080").is_ok());
    assert!(matches!(
        target("10.0.0.90:8080"),
        Err(NotHere::NotItsWaypoint { .. })
    ));
}

#[test]
fn an_application_tunnel_is_told_any_address() {
    // [R37], [R45]
    for told in ["10.0.0.60:7000", "10.96.0.5:80", "203.0.113.7:22"] {
        assert_eq!(
            asked("east/told", told).unwrap(),
            LocalTarget::ApplicationTunnel {
                target: "10.0.0.60:15088".parse().unwrap(),
                protocol: TunnelProtocol::Proxy,
                destination: Some(told.parse().unwrap()),
                service: None,
            }
        );
    }
}

#[test]
fn an_application_tunnel_is_told_a_name_by_an_address_of_the_service() {
    // [R45]: of the own network first, then IPv4
    assert_eq!(
        asked("east/told", "told.shop.svc.cluster.local:80").unwrap(),
        LocalTarget::ApplicationTunnel {
            target: "10.0.0.60:15088".parse().unwrap(),
            protocol: TunnelProtocol::Proxy,
            destination: Some("10.96.0.5:80".parse().unwrap()),
            service: Some(arc(the_service("told.shop"))),
        }
    );
    let refused = asked("east/told", "mute.shop.svc.cluster.local:80").unwrap_err();
    assert_eq!(
        refused,
        NotHere::Unaddressed {
            service: name("mute.shop")
        }
    );
    assert_eq!(status(&refused), 503);
}

#[test]
fn a_tunnel_without_a_header_moves_the_port_and_tells_nothing() {
    // [R45]
    let moved = asked("east/moved", "moved.shop.svc.cluster.local:80").unwrap();
    assert_eq!(moved.target(), "10.0.0.61:9999".parse().unwrap());
    assert!(matches!(
        moved,
        LocalTarget::ApplicationTunnel {
            protocol: TunnelProtocol::None,
            ..
        }
    ));
}

#[test]
fn a_waypoint_takes_the_addresses_of_what_it_stands_before() {
    // [R38]
    assert_eq!(
        asked("east/waypoint", "10.96.0.3:80").unwrap(),
        LocalTarget::Waypoint {
            target: "10.0.0.40:80".parse().unwrap(),
            fronted: Fronted::Service {
                service: arc(the_service("guarded.shop")),
                port: 80
            },
        }
    );
    assert_eq!(
        asked("east/waypoint", "10.0.0.31:7000").unwrap(),
        LocalTarget::Waypoint {
            target: "10.0.0.40:7000".parse().unwrap(),
            fronted: Fronted::Workload {
                workload: arc(find(&mesh(), "east/solo")),
                port: 7000
            },
        }
    );
}

/// HBONE-S-004.
#[test]
fn any_other_address_is_refused_with_400() {
    // [R39]
    let unknown = asked("east/echo-light", "203.0.113.7:80").unwrap_err();
    assert_eq!(
        unknown,
        NotHere::Mismatch {
            authority: authority("203.0.113.7:80"),
            workload: "east/echo-light".to_owned()
        }
    );
    assert_eq!(status(&unknown), 400);
    for others in [
        "10.0.0.12:80",
        "10.96.0.1:80",
        "10.96.0.3:80",
        "10.0.0.31:80",
    ] {
        let refused = asked("east/echo-light", others).unwrap_err();
        assert!(
            matches!(refused, NotHere::NotItsWaypoint { .. }),
            "{others}"
        );
        assert_eq!(status(&refused), 400, "{others}");
    }
}

#[test]
fn an_address_of_another_network_is_not_ours() {
    // [R39]: the east has 10.0.0.11 too
    let mesh = mesh();
    let other = find(&mesh, "west/other");
    let local = Local::new(&other, other.addresses[0]);
    let refused = local.target(&mesh, &authority("10.0.0.12:80")).unwrap_err();
    assert!(matches!(refused, NotHere::Mismatch { .. }));
}

#[test]
fn a_services_name_means_the_target_port_of_its_endpoint() {
    // [R40]
    let name = "echo.shop.svc.cluster.local";
    for (uid, service_port, target) in [
        ("east/echo-light", 80, "10.0.0.11:8080"),
        ("east/echo-heavy", 80, "10.0.0.12:8080"),
        ("east/echo-heavy", 81, "10.0.0.12:9091"),
    ] {
        assert_eq!(
            asked(uid, &format!("{name}:{service_port}")).unwrap(),
            LocalTarget::Service {
                target: target.parse().unwrap(),
                service: arc(the_service("echo.shop")),
            }
        );
    }
}

#[test]
fn of_two_services_with_one_name_the_one_it_belongs_to_is_meant_seen_or_not() {
    // [R40], [R46]
    let host = "echo.shop.svc.cluster.local";
    let mut services = services();
    let hidden = Visibility::Namespaces([].into());
    for namespace in ["aaa", "zzz"] {
        let name = NamespacedHostname::new(namespace, hostname(host));
        let mut service = Service::new(name, [(80, 8000)]);
        service.visibility = hidden.clone();
        service.waypoint = Some(GatewayAddress::at(address("east/10.0.0.40")));
        services.push(service);
    }
    let mut theirs = workload("east/theirs", "theirs", &["10.0.0.13"], &[]);
    let zzz = NamespacedHostname::new("zzz", hostname(host));
    theirs.services = BTreeMap::from([(zzz.clone(), Ports::default())]);
    let workloads = workloads().into_iter().chain([theirs]);
    let mesh = StaticMesh::new(workloads, services).unwrap();
    let meant = asked_in(&mesh, "east/theirs", &format!("{host}:80")).unwrap();
    assert_eq!(meant.target(), "10.0.0.13:8000".parse().unwrap());

    let waypoint = find(&mesh, "east/waypoint");
    match fronted(&mesh, &waypoint, &authority(&format!("{host}:80"))).unwrap() {
        Fronted::Service { service, .. } => assert_eq!(service.name.namespace(), "aaa"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_waypoint_takes_the_names_of_what_it_stands_before() {
    // [R41]
    let meant = asked("east/waypoint", "guarded.shop.svc.cluster.local:80").unwrap();
    assert_eq!(meant.target(), "10.0.0.40:80".parse().unwrap());
    assert!(matches!(meant, LocalTarget::Waypoint { .. }));
}

#[test]
fn the_name_of_another_service_or_of_none_is_refused_with_503() {
    // [R42]
    let other = asked("east/client", "echo.shop.svc.cluster.local:80").unwrap_err();
    assert_eq!(
        other,
        NotHere::NotAnEndpoint {
            service: name("echo.shop"),
            workload: "east/client".to_owned()
        }
    );
    let none = asked("east/client", "nobody.example:80").unwrap_err();
    let hostname = hostname("nobody.example");
    assert_eq!(none, NotHere::NoRoute(NoRoute::UnknownService { hostname }));
    assert_eq!(
        [status(&other), status(&none)],
        [StatusCode::SERVICE_UNAVAILABLE; 2]
    );
}

#[test]
fn a_service_port_that_leads_nowhere_is_refused_with_503() {
    // [R43]
    let unexposed = asked("east/echo-light", "echo.shop.svc.cluster.local:79").unwrap_err();
    assert!(matches!(
        unexposed,
        NotHere::NoRoute(NoRoute::PortNotExposed { port: 79, .. })
    ));
    let open = asked("east/echo-light", "echo.shop.svc.cluster.local:81").unwrap_err();
    assert!(matches!(
        open,
        NotHere::NoRoute(NoRoute::NoEndpointForPort { port: 81, .. })
    ));
    for refused in [unexposed, open] {
        assert_eq!(Reject::from(&refused), Reject::NoSuchPort);
        assert_eq!(status(&refused), 503);
    }
}

#[test]
fn the_proxys_own_ports_are_refused_whatever_leads_to_them() {
    // [R44]
    let own = |port| NotHere::OwnPort { port };
    for port in [15001, 15006, 15008] {
        let refused = asked("east/echo-light", &format!("10.0.0.11:{port}")).unwrap_err();
        assert_eq!(refused, own(port));
        assert_eq!(status(&refused), 503);
    }
    // a service may lead there too: echo's port 82 does
    let named = asked("east/echo-light", "echo.shop.svc.cluster.local:82");
    assert_eq!(named.unwrap_err(), own(15001));
    let told = asked("east/told", "203.0.113.7:15008");
    assert_eq!(told.unwrap_err(), own(15008));

    let mesh = mesh();
    let echo = find(&mesh, "east/echo-light");
    let mut local = Local::new(&echo, echo.addresses[0]);
    assert!(local.target(&mesh, &authority("10.0.0.11:15080")).is_ok());
    local.own_ports = &[15080];
    let refused = local.target(&mesh, &authority("10.0.0.11:15080"));
    assert_eq!(refused.unwrap_err(), own(15080));
}

/// HBONE-H-005.
#[test]
fn the_service_of_a_port_is_the_named_one_or_the_first_that_leads_there() {
    let mut workloads = workloads();
    let names = ["first.shop", "second.shop"];
    let mut both = workload("east/both", "both", &["10.0.0.14"], &names);
    both.services
        .insert(name("second.shop"), Ports::from([(81, 9091)]));
    workloads.push(both);
    let mut services = services();
    services.extend(names.map(|short| service(short, &[], &[(80, 8080), (81, 0)])));
    let mesh = StaticMesh::new(workloads, services).unwrap();
    let both = find(&mesh, "east/both");
    let local = Local::new(&both, both.addresses[0]);
    let guess = |port, named: Option<&str>| {
        let named = named.map(hostname);
        let found = local.service(&mesh, port, named.as_ref());
        found.map(|service| service.name.clone())
    };
    assert_eq!(guess(8080, None), Some(name("first.shop")));
    assert_eq!(guess(9091, None), Some(name("second.shop")));
    assert_eq!(guess(22, None), None);
    let second = "second.shop.svc.cluster.local";
    assert_eq!(guess(8080, Some(second)), Some(name("second.shop")));
    // a client may claim anything; only what the workload belongs to is believed
    assert_eq!(
        guess(8080, Some("echo.shop.svc.cluster.local")),
        Some(name("first.shop"))
    );
}

/// What the CONNECT asks of the waypoint.
fn before(uid: &str, text: &str) -> Result<Fronted, NotHere> {
    let mesh = mesh();
    fronted(&mesh, &find(&mesh, uid), &authority(text))
}

#[test]
fn a_waypoint_knows_what_it_stands_before() {
    // [R46], [R47]
    let guarded = Fronted::Service {
        service: arc(the_service("guarded.shop")),
        port: 80,
    };
    assert_eq!(before("east/waypoint", "10.96.0.3:80").unwrap(), guarded);
    let by_name = before("east/waypoint", "guarded.shop.svc.cluster.local:80");
    assert_eq!(by_name.unwrap(), guarded);
    assert!(matches!(
        before("east/waypoint", "10.0.0.31:7000").unwrap(),
        Fronted::Workload { port: 7000, .. }
    ));
}

#[test]
fn a_waypoint_refuses_what_it_does_not_stand_before() {
    // [R48], [R49]
    for (text, expected) in [
        ("10.96.0.1:80", 400),
        ("10.96.0.21:80", 400),
        ("10.0.0.11:80", 400),
        ("10.0.0.40:80", 400),
        ("203.0.113.7:80", 400),
        ("far-guarded.shop.svc.cluster.local:80", 400),
        ("nobody.example:80", 503),
        ("10.96.0.3:81", 503),
        ("guarded.shop.svc.cluster.local:8080", 503),
    ] {
        let refused = before("east/waypoint", text).unwrap_err();
        assert_eq!(status(&refused), expected, "{text}: {refused}");
    }
    assert!(before("east/echo-light", "10.96.0.3:80").is_err());
    assert!(before("west/other", "10.96.0.3:80").is_err());
}

/// A west of its own: a gateway, `echo` with two endpoints here and one in the east, and a waypoint before `guarded`.
fn west(change: impl FnOnce(&mut Vec<Workload>, &mut Vec<Service>)) -> StaticMesh {
    let here = ["echo.shop", "guarded.shop", "asking.shop"];
    let mut workloads = vec![
        workload("west/gateway", "gateway", &["10.0.0.1"], &[]),
        workload("west/echo-1", "echo", &["10.0.0.11"], &here),
        workload("west/echo-2", "echo", &["10.0.0.12"], &here),
        workload(
            "west/waypoint",
            "waypoint",
            &["10.0.0.40"],
            &["waypoint.shop"],
        ),
    ];
    let mut east = workload("east/echo", "echo", &["10.0.0.11"], &here);
    east.network_gateway = Some(GatewayAddress::at(address("east/192.0.2.1")));
    workloads.push(east);
    let waypoint = || Some(GatewayAddress::named(name("waypoint.shop")));
    let mut guarded = service("guarded.shop", &["west/10.96.0.3"], &[(80, 8080)]);
    guarded.waypoint = waypoint();
    let mut asking = service("asking.shop", &["west/10.96.0.4"], &[(80, 8080)]);
    asking.waypoint = waypoint();
    asking.ingress_use_waypoint = true;
    let mut services = vec![
        service(
            "echo.shop",
            &["west/10.96.0.1", "east/10.96.0.1"],
            &[(80, 8080)],
        ),
        guarded,
        asking,
        service("waypoint.shop", &["west/10.96.0.40"], &[]),
    ];
    change(&mut workloads, &mut services);
    StaticMesh::new(workloads, services).unwrap()
}

fn sent_on(
    mesh: &StaticMesh,
    text: &str,
    source: Option<IstioSource>,
    entropy: u128,
) -> Result<Forward, NotHere> {
    let gateway = find(mesh, "west/gateway");
    let entropy = Entropy::new(entropy);
    forward(mesh, &gateway, &authority(text), source, entropy)
}

#[test]
fn an_east_west_gateway_chooses_among_the_endpoints_of_its_own_network() {
    // [R50]
    let mesh = west(|_, _| {});
    for to in ["echo.shop.svc.cluster.local:80", "10.96.0.1:80"] {
        let sent: Vec<_> = (0..6)
            .map(|entropy| {
                let sent = sent_on(&mesh, to, None, entropy).unwrap();
                assert!(!sent.waypoint);
                assert_eq!(sent.service.name, name("echo.shop"));
                (sent.address.to_string(), sent.receiver.uid.to_string())
            })
            .collect();
        let one = ("10.0.0.11:15008".to_owned(), "west/echo-1".to_owned());
        let two = ("10.0.0.12:15008".to_owned(), "west/echo-2".to_owned());
        assert_eq!(sent, [&one, &two, &one, &two, &one, &two].map(Clone::clone));
    }
}

#[test]
fn an_east_west_gateway_passes_over_endpoints_that_cannot_end_the_inner_tunnel() {
    // [R50]
    let mesh = west(|workloads, _| workloads[1].protocol = Protocol::Tcp);
    for entropy in 0..6 {
        let sent = sent_on(&mesh, "echo.shop.svc.cluster.local:80", None, entropy).unwrap();
        assert_eq!(&*sent.receiver.uid, "west/echo-2");
    }
}

/// HBONE-G-004.
#[test]
fn an_east_west_gateway_goes_by_what_the_source_says_it_is() {
    // [R51], [R14], [R15], [R16]
    let mesh = west(|_, _| {});
    let by_waypoint = |to, source| sent_on(&mesh, to, source, 0).unwrap().waypoint;
    let guarded = "guarded.shop.svc.cluster.local:80";
    let asking = "asking.shop.svc.cluster.local:80";
    for (source, through, through_if_asked) in [
        (None, true, true),
        (Some(IstioSource::Sidecar), true, true),
        (Some(IstioSource::Gateway), false, true),
        (Some(IstioSource::Waypoint), false, false),
    ] {
        assert_eq!(by_waypoint(guarded, source), through, "{source:?}");
        assert_eq!(by_waypoint(asking, source), through_if_asked, "{source:?}");
    }
    let sent = sent_on(&mesh, guarded, None, 0).unwrap();
    assert_eq!(sent.address, "10.0.0.40:15008".parse().unwrap());
    assert_eq!(&*sent.receiver.uid, "west/waypoint");
}

/// HBONE-G-006.
#[test]
fn an_east_west_gateway_never_sends_to_another_network_or_past_a_waypoint() {
    // [R52]
    let away = |uid: &'static str| {
        west(move |workloads, _| {
            for workload in workloads
                .iter_mut()
                .filter(|workload| workload.uid.contains(uid))
            {
                workload.network = "north".parse().unwrap();
            }
        })
    };
    let refused = sent_on(&away("echo-"), "echo.shop.svc.cluster.local:80", None, 0).unwrap_err();
    assert!(
        matches!(&refused, NotHere::NoRoute(NoRoute::NoEndpointHere { service, .. }) if *service == name("echo.shop"))
    );
    assert_eq!(status(&refused), 503);

    let guarded = "guarded.shop.svc.cluster.local:80";
    let refused = sent_on(&away("waypoint"), guarded, None, 0).unwrap_err();
    assert!(
        matches!(&refused, NotHere::NoRoute(NoRoute::NoEndpointHere { service, .. }) if *service == name("waypoint.shop"))
    );

    let sick = west(|workloads, _| workloads[3].health = Health::Unhealthy);
    let refused = sent_on(&sick, guarded, None, 0).unwrap_err();
    assert!(matches!(
        refused,
        NotHere::NoRoute(NoRoute::NoHealthyEndpoint { .. })
    ));
    let gone = west(|_, services| services.truncate(3));
    let refused = sent_on(&gone, guarded, None, 0).unwrap_err();
    assert!(matches!(
        refused,
        NotHere::NoRoute(NoRoute::UnknownWaypoint { .. })
    ));
    let plain = west(|workloads, _| {
        for workload in workloads {
            workload.protocol = Protocol::Tcp;
        }
    });
    let refused = sent_on(&plain, "echo.shop.svc.cluster.local:80", None, 0).unwrap_err();
    assert!(matches!(
        refused,
        NotHere::NoRoute(NoRoute::NoHboneEndpoint { .. })
    ));
}

#[test]
fn a_waypoint_of_another_network_is_not_dialled_though_it_has_an_address() {
    // [R52]
    let mesh = west(|_, services| {
        let east = GatewayAddress::at(address("east/10.0.0.11"));
        services[1].waypoint = Some(east);
    });
    let guarded = "guarded.shop.svc.cluster.local:80";
    assert_eq!(
        sent_on(&mesh, guarded, None, 0).unwrap_err(),
        NotHere::NoRoute(NoRoute::Unaddressed {
            workload: "east/echo".into()
        })
    );
}

// [121]
#[test]
fn an_east_west_gateway_refuses_what_it_does_not_know() {
    // [R53]
    let mesh = west(|_, _| {});
    for (to, expected) in [
        ("echo.shop.svc.cluster.local:81", 503),
        ("nobody.example:80", 503),
        ("10.96.0.1:81", 503),
        ("10.0.0.11:8080", 400),
        ("203.0.113.7:80", 400),
    ] {
        let refused = sent_on(&mesh, to, None, 0).unwrap_err();
        assert_eq!(status(&refused), expected, "{to}");
    }
}

#[test]
fn what_a_source_plans_is_what_the_gateway_and_the_endpoint_understand() {
    // [R7], [R50], [R40]: one mesh on each side of the border, and the authority of the plan in between
    let east = mesh();
    let client = find(&east, "east/client");
    let source = Source::node_proxy(&client);
    let plan = plan(&east, source, &authority("10.96.0.20:80"), FIRST).unwrap();
    let [outer, inner] = &plan.legs[..] else {
        panic!("{plan:?}");
    };
    let west = StaticMesh::new(
        [
            workload("west/gateway", "gateway", &["10.0.0.1"], &[]),
            workload("west/far-1", "far", &["10.0.0.11"], &["far.shop"]),
        ],
        [service("far.shop", &["west/10.96.0.77"], &[(80, 8080)])],
    )
    .unwrap();
    let gateway = find(&west, "west/gateway");
    let sent = forward(&west, &gateway, &outer.authority, None, FIRST).unwrap();
    assert_eq!(sent.address, "10.0.0.11:15008".parse().unwrap());
    assert!(inner.expect.check(&sent.receiver.identity).is_ok());
    let local = Local::new(&sent.receiver, sent.address.ip());
    let target = local.target(&west, &inner.authority).unwrap();
    assert_eq!(target.target(), "10.0.0.11:8080".parse().unwrap());
}
