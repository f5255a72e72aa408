//! What is planned, and why not.

use std::net::SocketAddr;

use hbone::mesh::{
    AddressFamilies, Entropy, GatewayAddress, LoadBalancing, LoadBalancingMode, NamespacedHostname,
    NoRoute, Plan, Ports, Protocol, Scope, Service, Source, StaticMesh, Visibility, Way, Workload,
    plan,
};
use hbone::{Authority, ExpectedIdentities, IstioSource, Network, Profile, Telling};

use crate::two_networks::{
    FIRST, address, authority, find, hostname, identity, mesh, name, network, services, show,
    workload, workloads,
};

/// What the client's node proxy plans.
fn client(destination: &str) -> Result<Plan, NoRoute> {
    in_mesh(&mesh(), "east/client", None, destination)
}

fn shown(destination: &str) -> String {
    show(&client(destination).unwrap())
}

fn refused(destination: &str) -> NoRoute {
    client(destination).unwrap_err()
}

fn in_mesh(
    mesh: &StaticMesh,
    source: &str,
    kind: Option<IstioSource>,
    destination: &str,
) -> Result<Plan, NoRoute> {
    let source = find(mesh, source);
    let source = match kind {
        Some(kind) => Source::proxy(&source, kind),
        None => Source::node_proxy(&source),
    };
    plan(mesh, source, &authority(destination), FIRST)
}

/// The variant's name.
fn variant(refused: &NoRoute) -> String {
    let text = format!("{refused:?}");
    text.split(' ').next().unwrap().to_owned()
}

/// The mesh with one service changed.
fn with_service(short: &str, change: impl FnOnce(&mut Service)) -> StaticMesh {
    let mut services = services();
    let mut all = services.iter_mut();
    change(all.find(|service| service.name == name(short)).unwrap());
    StaticMesh::new(workloads(), services).unwrap()
}

/// The mesh with one workload changed.
fn with_workload(uid: &str, change: impl FnOnce(&mut Workload)) -> StaticMesh {
    let mut workloads = workloads();
    let mut all = workloads.iter_mut();
    change(all.find(|workload| &*workload.uid == uid).unwrap());
    StaticMesh::new(workloads, services()).unwrap()
}

/// Every kind of destination at a glance, in one mesh; the tests below take them one by one.
#[test]
fn one_mesh_answers_the_whole_table() {
    // [R1] to [R13], [R18], [R20] to [R29]
    let far = "Gateway 192.0.2.11:15443 \
               > Outer far.shop.svc.cluster.local:80 by gateway gateway-service \
               > Inner far.shop.svc.cluster.local:80 by far far-too";
    let far_guarded = "RemoteWaypoint 192.0.2.1:15008 \
                       > Outer far-guarded.shop.svc.cluster.local:80 by gateway gateway-service \
                       > Inner far-guarded.shop.svc.cluster.local:80 by far-waypoint";
    let guarded =
        "ServiceWaypoint 10.0.0.40:15008 > ToWaypoint 10.96.0.3:80 by waypoint waypoint-service";
    let solo = "WorkloadWaypoint 10.0.0.40:15008 > ToWaypoint 10.0.0.31:7000 by waypoint";
    for (what, destination, expected) in [
        (
            "pod",
            "10.0.0.11:7000",
            "Direct 10.0.0.11:15008 > Single 10.0.0.11:7000 by echo",
        ),
        (
            "pod, IPv6",
            "[fd00::90]:80",
            "Direct [fd00::90]:15008 > Single [fd00::90]:80 by dual",
        ),
        (
            "pod without HBONE",
            "10.0.0.20:7000",
            "Plaintext 10.0.0.20:7000",
        ),
        ("pod with waypoint", "10.0.0.31:7000", solo),
        (
            "pod with remote waypoint",
            "10.0.0.32:7000",
            "RemoteWorkloadWaypoint",
        ),
        (
            "service",
            "10.96.0.10:80",
            "Direct 10.0.0.90:15008 > Single 10.0.0.90:8080 by dual",
        ),
        (
            "service, endpoint's port",
            "10.96.0.1:81",
            "Direct 10.0.0.12:15008 > Single 10.0.0.12:9091 by echo echo-service",
        ),
        (
            "service without HBONE",
            "10.96.0.2:80",
            "Plaintext 10.0.0.20:8080",
        ),
        ("service with waypoint", "10.96.0.3:80", guarded),
        (
            "the same by name",
            "guarded.shop.svc.cluster.local:80",
            guarded,
        ),
        ("service of a remote network", "10.96.0.20:80", far),
        ("the same by name", "far.shop.svc.cluster.local:80", far),
        ("service with remote waypoint", "10.96.0.21:80", far_guarded),
        ("remote, no gateway", "10.96.0.23:80", "NoGateway"),
        ("remote, unknown gateway", "10.96.0.24:80", "UnknownGateway"),
        ("remote, no identities", "10.96.0.22:80", "NoIdentities"),
        ("unknown waypoint", "10.96.0.11:80", "UnknownWaypoint"),
        ("no such port", "10.96.0.1:79", "PortNotExposed"),
        ("no such port, remote", "10.96.0.20:8080", "PortNotExposed"),
        ("no endpoint", "10.96.0.8:80", "Unpopulated"),
        ("no healthy endpoint", "10.96.0.7:80", "NoHealthyEndpoint"),
        ("no such name", "nobody.example:443", "UnknownService"),
        (
            "address outside the mesh",
            "93.184.216.34:443",
            "Passthrough 93.184.216.34:443",
        ),
    ] {
        let outcome = match client(destination) {
            Ok(plan) => show(&plan),
            Err(refused) => variant(&refused),
        };
        assert_eq!(outcome, expected, "{what}");
    }
}

#[test]
fn a_pod_is_reached_by_one_tunnel_to_itself() {
    // [R1]
    assert_eq!(
        shown("10.0.0.11:7000"),
        "Direct 10.0.0.11:15008 > Single 10.0.0.11:7000 by echo"
    );
}

#[test]
fn a_pod_that_does_not_speak_hbone_is_reached_in_plain_text() {
    // [R2]
    assert_eq!(shown("10.0.0.20:7000"), "Plaintext 10.0.0.20:7000");
}
/// HBONE-T-001.

#[test]
fn a_service_leads_to_the_target_port_of_an_endpoint_by_address_and_by_name() {
    // [R3]
    let heavy = "Direct 10.0.0.12:15008 > Single 10.0.0.12:8080 by echo echo-service";
    assert_eq!(shown("10.96.0.1:80"), heavy);
    assert_eq!(shown("echo.shop.svc.cluster.local:80"), heavy);
}

#[test]
fn the_endpoints_own_port_goes_before_the_services_and_an_open_port_needs_one() {
    // [R3], [R21]
    for destination in ["10.96.0.1:81", "echo.shop.svc.cluster.local:81"] {
        assert_eq!(
            shown(destination),
            "Direct 10.0.0.12:15008 > Single 10.0.0.12:9091 by echo echo-service"
        );
    }
    let mesh = with_workload("east/echo-heavy", |heavy| {
        heavy.services.clear();
    });
    assert_eq!(
        in_mesh(&mesh, "east/client", None, "10.96.0.1:81").unwrap_err(),
        NoRoute::NoEndpointForPort {
            service: name("echo.shop"),
            port: 81
        }
    );
}

#[test]
fn a_service_of_endpoints_without_hbone_is_reached_in_plain_text() {
    // [R4]
    assert_eq!(shown("10.96.0.2:80"), "Plaintext 10.0.0.20:8080");
}

#[test]
fn a_services_waypoint_is_told_the_address_that_was_asked_for() {
    // [R5], [R11]
    let through =
        "ServiceWaypoint 10.0.0.40:15008 > ToWaypoint 10.96.0.3:80 by waypoint waypoint-service";
    assert_eq!(shown("10.96.0.3:80"), through);
    assert_eq!(shown("guarded.shop.svc.cluster.local:80"), through);
}

#[test]
fn a_service_without_an_address_is_named_to_its_waypoint() {
    // [R5]
    let mesh = with_service("guarded.shop", |guarded| guarded.addresses.clear());
    let named = "guarded.shop.svc.cluster.local:80";
    let plan = in_mesh(&mesh, "east/client", None, named).unwrap();
    assert_eq!(plan.legs[0].authority, authority(named));

    // an address in another network means nothing to a waypoint of this one
    let mesh = with_service("guarded.shop", |guarded| {
        guarded.addresses = vec![address("west/10.96.0.3")];
    });
    let plan = in_mesh(&mesh, "east/client", None, named).unwrap();
    assert_eq!(plan.legs[0].authority, authority(named));
}

#[test]
fn a_workloads_waypoint_is_told_the_address_that_was_asked_for() {
    // [R6], [R13]
    assert_eq!(
        shown("10.0.0.31:7000"),
        "WorkloadWaypoint 10.0.0.40:15008 > ToWaypoint 10.0.0.31:7000 by waypoint"
    );
}

#[test]
fn a_waypoint_may_listen_on_a_port_of_its_own() {
    // [R11], [R13]
    let mesh = with_workload("east/solo", |solo| {
        let waypoint = GatewayAddress::at(address("east/10.0.0.40"));
        solo.waypoint = Some(waypoint.on(15108));
    });
    let plan = in_mesh(&mesh, "east/client", None, "10.0.0.31:7000").unwrap();
    assert_eq!(plan.address, "10.0.0.40:15108".parse().unwrap());

    let mesh = with_service("guarded.shop", |guarded| {
        let waypoint = GatewayAddress::at(address("east/10.96.0.40"));
        guarded.waypoint = Some(waypoint.on(15108));
    });
    let plan = in_mesh(&mesh, "east/client", None, "10.96.0.3:80").unwrap();
    assert_eq!(plan.address, "10.0.0.40:15108".parse().unwrap());
}

#[test]
fn a_remote_endpoint_is_named_on_both_tunnels_and_only_its_service_may_answer_the_inner() {
    // [R7], [R11]
    let through = "Gateway 192.0.2.11:15443 \
                   > Outer far.shop.svc.cluster.local:80 by gateway gateway-service \
                   > Inner far.shop.svc.cluster.local:80 by far far-too";
    assert_eq!(shown("10.96.0.20:80"), through);
    assert_eq!(shown("far.shop.svc.cluster.local:80"), through);
}

#[test]
fn a_remote_waypoint_answers_with_the_identities_of_its_own_service() {
    // [R8], [R12]
    assert_eq!(
        shown("10.96.0.21:80"),
        "RemoteWaypoint 192.0.2.1:15008 \
         > Outer far-guarded.shop.svc.cluster.local:80 by gateway gateway-service \
         > Inner far-guarded.shop.svc.cluster.local:80 by far-waypoint"
    );
}

#[test]
fn a_gateway_that_is_a_workload_is_dialled_at_its_own_address() {
    // [R13]
    let own = NamespacedHostname::new("shop", hostname("one.gateway.example"));
    for gateway in [
        GatewayAddress::at(address("west/192.0.2.11")),
        GatewayAddress::named(own),
    ] {
        let mesh = with_workload("west/far", |far| far.network_gateway = Some(gateway));
        let plan = in_mesh(&mesh, "east/client", None, "10.96.0.20:80").unwrap();
        assert_eq!(
            show(&plan),
            "Gateway 192.0.2.11:15008 \
             > Outer far.shop.svc.cluster.local:80 by gateway \
             > Inner far.shop.svc.cluster.local:80 by far far-too"
        );
    }
}

#[test]
fn an_address_that_the_mesh_does_not_know_is_left_alone() {
    // [R9]
    assert_eq!(shown("93.184.216.34:443"), "Passthrough 93.184.216.34:443");
    assert_eq!(shown("[2001:db8::1]:443"), "Passthrough [2001:db8::1]:443");
    // the node's address belongs to all on it
    assert_eq!(shown("10.0.0.80:9100"), "Passthrough 10.0.0.80:9100");
    let plan = client("93.184.216.34:443").unwrap();
    assert_eq!((plan.receiver, plan.service), (None, None));
}

#[test]
fn a_passthrough_service_is_left_alone_unless_it_has_a_waypoint() {
    // [R10]
    let passthrough = |service: &mut Service| {
        service.load_balancing = LoadBalancing::new(LoadBalancingMode::Passthrough, []);
    };
    let mesh = with_service("echo.shop", passthrough);
    let plan = |mesh, kind, to| show(&in_mesh(mesh, "east/client", kind, to).unwrap());
    assert_eq!(plan(&mesh, None, "10.96.0.1:9"), "Passthrough 10.96.0.1:9");
    assert!(plan(&mesh, None, "echo.shop.svc.cluster.local:80").starts_with("Direct"));

    let mesh = with_service("guarded.shop", passthrough);
    assert!(plan(&mesh, None, "10.96.0.3:80").starts_with("ServiceWaypoint"));
    let waypoint = Some(IstioSource::Waypoint);
    assert_eq!(
        plan(&mesh, waypoint, "10.96.0.3:80"),
        "Passthrough 10.96.0.3:80"
    );
}

#[test]
fn an_address_in_ipv6_clothing_is_the_ipv4_address() {
    // [R1], [R3]
    assert_eq!(shown("[::ffff:10.0.0.11]:7000"), shown("10.0.0.11:7000"));
    assert_eq!(shown("[::ffff:10.96.0.1]:80"), shown("10.96.0.1:80"));
    // as a dual-stack socket reports it
    let mesh = mesh();
    let source = find(&mesh, "east/client");
    let clothed = Authority::Addr("[::ffff:93.184.216.34]:443".parse().unwrap());
    let plan = plan(&mesh, Source::node_proxy(&source), &clothed, FIRST).unwrap();
    assert_eq!(show(&plan), "Passthrough 93.184.216.34:443");

    let mesh = with_workload("east/echo-heavy", |heavy| {
        heavy.addresses = vec!["::ffff:10.0.0.12".parse().unwrap()];
    });
    let plan = in_mesh(&mesh, "east/client", None, "10.96.0.1:80").unwrap();
    assert_eq!(show(&plan), shown("10.96.0.1:80"));
}

#[test]
fn equal_addresses_of_two_networks_never_meet() {
    // [R1], [R3], [R9]
    let mesh = mesh();
    let west = |to| show(&in_mesh(&mesh, "west/other", None, to).unwrap());
    assert_eq!(
        west("10.0.0.11:7000"),
        "Direct 10.0.0.11:15008 > Single 10.0.0.11:7000 by double"
    );
    assert_eq!(
        in_mesh(&mesh, "west/other", None, "10.96.0.1:80").unwrap_err(),
        NoRoute::Unpopulated {
            service: name("double.shop")
        }
    );
    assert_eq!(west("10.0.0.12:7000"), "Passthrough 10.0.0.12:7000");
    assert_eq!(shown("10.0.0.99:7000"), "Passthrough 10.0.0.99:7000");
}

#[test]
fn whether_a_waypoint_is_passed_depends_on_who_comes() {
    // [R14], [R15], [R16]
    let mesh = mesh();
    let way = |kind, to| in_mesh(&mesh, "east/ingress", kind, to).unwrap().way;
    use Way::{Direct, ServiceWaypoint, WorkloadWaypoint};
    for (kind, guarded, asking, solo) in [
        (None, ServiceWaypoint, ServiceWaypoint, WorkloadWaypoint),
        (
            Some(IstioSource::Sidecar),
            ServiceWaypoint,
            ServiceWaypoint,
            WorkloadWaypoint,
        ),
        (Some(IstioSource::Gateway), Direct, ServiceWaypoint, Direct),
        (Some(IstioSource::Waypoint), Direct, Direct, Direct),
    ] {
        assert_eq!(way(kind, "10.96.0.3:80"), guarded, "{kind:?}");
        assert_eq!(way(kind, "10.96.0.4:80"), asking, "{kind:?}");
        assert_eq!(way(kind, "10.0.0.31:7000"), solo, "{kind:?}");
    }
}

#[test]
fn a_waypoint_sends_to_the_endpoint_itself_near_and_far() {
    // [R14], [R3], [R7]
    let mesh = mesh();
    let waypoint = |to| {
        let plan = in_mesh(&mesh, "east/waypoint", Some(IstioSource::Waypoint), to);
        show(&plan.unwrap())
    };
    assert_eq!(
        waypoint("guarded.shop.svc.cluster.local:80"),
        "Direct 10.0.0.30:15008 > Single 10.0.0.30:8080 by guarded"
    );
    assert_eq!(waypoint("10.96.0.20:80"), shown("10.96.0.20:80"));
}

#[test]
fn a_waypoint_whose_node_proxy_plans_for_it_is_not_sent_to_itself() {
    // [R17]
    let mesh = mesh();
    for destination in ["10.96.0.3:80", "10.0.0.31:7000"] {
        let plan = in_mesh(&mesh, "east/waypoint", None, destination).unwrap();
        assert_eq!(plan.way, Way::Direct, "{destination}");
    }
}

#[test]
fn the_plan_says_who_receives_and_which_service_was_asked_for() {
    let told = |to| {
        let plan = client(to).unwrap();
        let receiver = plan.receiver.map(|workload| workload.uid.to_string());
        (
            receiver.unwrap(),
            plan.service.map(|service| service.name.clone()),
        )
    };
    let uid = str::to_owned;
    assert_eq!(told("10.0.0.11:7000"), (uid("east/echo-light"), None));
    assert_eq!(
        told("10.96.0.1:80"),
        (uid("east/echo-heavy"), Some(name("echo.shop")))
    );
    assert_eq!(
        told("10.96.0.3:80"),
        (uid("east/waypoint"), Some(name("guarded.shop")))
    );
    assert_eq!(
        told("10.96.0.20:80"),
        (uid("west/far"), Some(name("far.shop")))
    );
}

#[test]
fn a_route_has_the_headers_of_the_profile_on_each_tunnel() {
    let mut telling = Telling::new();
    telling.origin_network = Some(network("east"));
    telling.source = Some(IstioSource::Waypoint);
    let headers = |to: &str, profile| {
        let route = client(to).unwrap().route(profile, &telling).unwrap();
        let hops = route.hops().map(|hop| {
            let network = hop.connect.origin_network.as_ref().map(Network::to_string);
            (network, hop.connect.source)
        });
        (route.address().to_string(), hops.collect::<Vec<_>>())
    };
    let east = || Some("east".to_owned());
    let waypoint = Some(IstioSource::Waypoint);
    let gateway = "192.0.2.11:15443".to_owned();
    assert_eq!(
        headers("10.96.0.20:80", Profile::Ztunnel),
        (gateway.clone(), vec![(None, None), (east(), None)])
    );
    assert_eq!(
        headers("10.96.0.20:80", Profile::Envoy),
        (gateway, vec![(None, waypoint), (east(), None)])
    );
    assert_eq!(
        headers("10.96.0.3:80", Profile::Agentgateway),
        ("10.0.0.40:15008".to_owned(), vec![(None, None)])
    );
    assert_eq!(
        headers("10.96.0.1:80", Profile::Agentgateway),
        ("10.0.0.12:15008".to_owned(), vec![(east(), waypoint)])
    );

    let plan = client("10.96.0.20:80").unwrap();
    let route = plan.route(Profile::Ztunnel, &telling).unwrap();
    let expected: Vec<_> = route.hops().map(|hop| hop.expect.clone()).collect();
    assert_eq!(
        expected,
        [plan.legs[0].expect.clone(), plan.legs[1].expect.clone()]
    );
    assert!(
        route
            .hops()
            .all(|hop| hop.connect.authority == plan.legs[0].authority)
    );

    let plain = client("10.96.0.2:80").unwrap();
    assert!(plain.route(Profile::Ztunnel, &telling).is_none());
}

#[test]
fn a_name_that_no_service_has_is_refused() {
    // [R18]
    let refused = refused("nobody.example:443");
    assert_eq!(
        refused,
        NoRoute::UnknownService {
            hostname: hostname("nobody.example")
        }
    );
    assert!(refused.to_string().contains("nobody.example"));
}

#[test]
fn a_service_is_seen_from_its_own_namespace_and_from_those_it_is_exported_to() {
    // [R19]
    let mesh = with_service("echo.shop", |echo| {
        echo.visibility = Visibility::Namespaces(["billing".into()].into());
    });
    let from = |namespace: &str, to: &str| {
        let identity = identity(namespace, "client");
        let mut source = Workload::new("east/asker", identity);
        source.network = network("east");
        plan(&mesh, Source::node_proxy(&source), &authority(to), FIRST)
    };
    for destination in ["10.96.0.1:80", "echo.shop.svc.cluster.local:80"] {
        assert!(from("shop", destination).is_ok());
        assert!(from("billing", destination).is_ok());
        assert_eq!(
            from("games", destination).unwrap_err(),
            NoRoute::Unseen {
                service: name("echo.shop"),
                namespace: "games".to_owned()
            }
        );
    }
}

#[test]
fn of_two_services_with_one_name_the_own_namespaces_is_meant_then_the_first_visible() {
    // [R19]
    let host = "echo.shop.svc.cluster.local";
    let of = |namespace: &str| {
        let name = NamespacedHostname::new(namespace, hostname(host));
        let mut service = Service::new(name, [(80, 8080)]);
        service.visibility = Visibility::Namespaces([].into());
        service
    };
    let mut services = services();
    services.extend([of("aaa"), of("zzz")]);
    let mesh = StaticMesh::new(workloads(), services).unwrap();
    let meant = |namespace: &str| {
        let mut source = Workload::new("asker", identity(namespace, "client"));
        source.network = network("east");
        let to = format!("{host}:80").parse().unwrap();
        let service = match plan(&mesh, Source::node_proxy(&source), &to, FIRST) {
            Ok(plan) => plan.service.unwrap().name.clone(),
            Err(NoRoute::Unpopulated { service }) => service,
            Err(other) => panic!("{other}"),
        };
        service.namespace().to_owned()
    };
    assert_eq!(meant("aaa"), "aaa");
    assert_eq!(meant("zzz"), "zzz");
    assert_eq!(meant("games"), "shop");
}

#[test]
fn a_port_that_the_service_does_not_expose_is_refused_with_or_without_a_waypoint() {
    // [R20]
    assert_eq!(
        refused("10.96.0.1:79"),
        NoRoute::PortNotExposed {
            service: name("echo.shop"),
            port: 79,
            exposed: vec![80, 81, 82]
        }
    );
    for destination in [
        "10.96.0.3:8080",
        "guarded.shop.svc.cluster.local:8080",
        "10.96.0.20:8080",
    ] {
        let refused = refused(destination);
        assert!(
            matches!(refused, NoRoute::PortNotExposed { .. }),
            "{destination}: {refused}"
        );
    }
    // no authority has port 0, but a socket's address may
    let mesh = mesh();
    let source = find(&mesh, "east/client");
    let zero = SocketAddr::from(([10, 96, 0, 1], 0)).into();
    let refused = plan(&mesh, Source::node_proxy(&source), &zero, FIRST).unwrap_err();
    assert!(matches!(refused, NoRoute::PortNotExposed { port: 0, .. }));
}

#[test]
fn a_service_without_endpoints_or_without_a_healthy_one_is_refused() {
    // [R22], [R23]
    assert_eq!(
        refused("10.96.0.8:80"),
        NoRoute::Unpopulated {
            service: name("empty.shop")
        }
    );
    assert_eq!(
        refused("10.96.0.7:80"),
        NoRoute::NoHealthyEndpoint {
            service: name("sick.shop"),
            endpoints: 1
        }
    );
}

#[test]
fn a_strict_service_without_an_endpoint_near_enough_is_refused() {
    // [R24]
    let mesh = with_service("echo.shop", |echo| {
        echo.load_balancing = LoadBalancing::new(LoadBalancingMode::Strict, [Scope::Node]);
    });
    assert_eq!(
        in_mesh(&mesh, "east/client", None, "10.96.0.1:80").unwrap_err(),
        NoRoute::NoEndpointInScope {
            service: name("echo.shop"),
            source_uid: "east/client".into()
        }
    );
}

#[test]
fn a_remote_endpoint_without_a_gateway_is_out_of_reach() {
    // [R25]
    let no_gateway = NoRoute::NoGateway {
        workload: "west/lost".into(),
        network: network("west"),
        from: network("east"),
    };
    assert_eq!(refused("10.96.0.23:80"), no_gateway);

    // having an address does not help: it is an address of another network
    let mesh = with_workload("west/lost", |lost| {
        lost.addresses = vec!["10.0.0.200".parse().unwrap()];
    });
    let refused = in_mesh(&mesh, "east/client", None, "10.96.0.23:80").unwrap_err();
    assert_eq!(refused, no_gateway);
}

#[test]
fn an_endpoint_out_of_reach_is_skipped_while_others_can_be_reached() {
    // [R25]
    let mesh = with_workload("west/lost", |lost| {
        lost.capacity = 1000;
        let echo = (name("echo.shop"), Ports::default());
        lost.services = [echo].into();
    });
    let source = find(&mesh, "east/client");
    for entropy in 0..2000 {
        let to = authority("10.96.0.1:80");
        let plan = plan(
            &mesh,
            Source::node_proxy(&source),
            &to,
            Entropy::new(entropy),
        );
        assert_eq!(plan.unwrap().way, Way::Direct);
    }
}

#[test]
fn an_unknown_gateway_or_waypoint_is_never_guessed_or_passed_by() {
    // [R26], [R27]
    assert_eq!(
        refused("10.96.0.24:80"),
        NoRoute::UnknownGateway {
            gateway: GatewayAddress::at(address("west/192.0.2.99")),
            workload: "west/ghost".into()
        }
    );
    assert_eq!(
        refused("10.96.0.11:80"),
        NoRoute::UnknownWaypoint {
            waypoint: GatewayAddress::named(name("missing.shop")),
            of: "shop/unguarded.shop.svc.cluster.local".to_owned()
        }
    );
    // a gateway's address means nothing in another network
    let mesh = with_workload("west/far", |far| {
        far.network_gateway = Some(GatewayAddress::at(address("east/192.0.2.1")));
    });
    let refused = in_mesh(&mesh, "east/client", None, "10.96.0.20:80").unwrap_err();
    assert!(matches!(refused, NoRoute::UnknownGateway { .. }));
}

/// HBONE-D-004.
#[test]
fn nobody_behind_a_gateway_is_believed_for_a_service_without_identities() {
    // [R28]
    assert_eq!(
        refused("10.96.0.22:80"),
        NoRoute::NoIdentities {
            name: "shop/nameless.shop.svc.cluster.local".to_owned()
        }
    );
    // the identities of the service asked for say nothing of its waypoint
    let mesh = with_service("far-waypoint.shop", |waypoint| {
        waypoint.identities = ExpectedIdentities::default();
    });
    assert_eq!(
        in_mesh(&mesh, "east/client", None, "10.96.0.21:80").unwrap_err(),
        NoRoute::NoIdentities {
            name: "shop/far-waypoint.shop.svc.cluster.local".to_owned()
        }
    );
    // a remote waypoint that is no service has nothing but a stand-in's name
    let mut far_waypoint = workload("west/far-waypoint-2", "stand-in", &["10.0.0.40"], &[]);
    far_waypoint.network_gateway = Some(GatewayAddress::named(name("gateway.west")));
    let mut services = services();
    for service in &mut services {
        if service.name == name("guarded.shop") {
            service.waypoint = Some(GatewayAddress::at(address("west/10.0.0.40")));
        }
    }
    let workloads = workloads().into_iter().chain([far_waypoint]);
    let mesh = StaticMesh::new(workloads, services).unwrap();
    assert_eq!(
        in_mesh(&mesh, "east/client", None, "10.96.0.3:80").unwrap_err(),
        NoRoute::NoIdentities {
            name: "west/far-waypoint-2".to_owned()
        }
    );
}

#[test]
fn only_services_cross_to_a_remote_waypoint() {
    // [R29]
    assert_eq!(
        refused("10.0.0.32:7000"),
        NoRoute::RemoteWorkloadWaypoint {
            workload: "east/stranded".into(),
            waypoint: GatewayAddress::named(name("far-waypoint.shop"))
        }
    );
}

#[test]
fn an_endpoint_without_a_usable_address_is_refused() {
    // [R30]
    let mesh = with_service("echo.shop", |echo| echo.families = AddressFamilies::V6);
    assert!(matches!(
        in_mesh(&mesh, "east/client", None, "10.96.0.1:80").unwrap_err(),
        NoRoute::Unaddressed { .. }
    ));
    let mesh = with_workload("west/gateway-1", |gateway| gateway.addresses.clear());
    assert_eq!(
        in_mesh(&mesh, "east/client", None, "10.96.0.20:80").unwrap_err(),
        NoRoute::Unaddressed {
            workload: "west/gateway-1".into()
        }
    );
}

#[test]
fn of_two_addresses_the_one_of_the_family_asked_for_is_dialled() {
    // [R35]
    let v4 = "Direct 10.0.0.90:15008 > Single 10.0.0.90:8080 by dual";
    let v6 = "Direct [fd00::90]:15008 > Single [fd00::90]:8080 by dual";
    assert_eq!(shown("10.96.0.10:80"), v4);
    assert_eq!(shown("[fd96::10]:80"), v6);
    assert_eq!(shown("dual.shop.svc.cluster.local:80"), v4);
    assert_eq!(shown("[fd00::90]:8080"), v6);

    let mesh = with_workload("east/client", |client| {
        client.addresses = vec!["fd00::1".parse().unwrap()];
    });
    let by_name = "dual.shop.svc.cluster.local:80";
    let plan = in_mesh(&mesh, "east/client", None, by_name).unwrap();
    assert_eq!(show(&plan), v6);

    for (families, shown) in [(AddressFamilies::V4, v4), (AddressFamilies::V6, v6)] {
        let mesh = with_service("dual.shop", |dual| dual.families = families);
        for destination in ["10.96.0.10:80", "[fd96::10]:80", by_name] {
            let plan = in_mesh(&mesh, "east/client", None, destination).unwrap();
            assert_eq!(show(&plan), shown, "{destination} {families:?}");
        }
    }
}

#[test]
fn a_workload_that_does_not_speak_hbone_may_still_have_a_waypoint() {
    // [R5], [R6]
    let mesh = with_workload("east/solo", |solo| solo.protocol = Protocol::Tcp);
    let plan = in_mesh(&mesh, "east/client", None, "10.0.0.31:7000").unwrap();
    assert_eq!(show(&plan), shown("10.0.0.31:7000"));
}

#[test]
fn every_refusal_names_the_thing_and_the_next_step() {
    let refusals = [
        ("10.96.0.1:79", ["echo.shop", "80, 81, 82"]),
        ("10.96.0.7:80", ["sick.shop", "readiness"]),
        ("10.96.0.8:80", ["empty.shop", "no workload names it"]),
        ("10.96.0.11:80", ["missing.shop", "add it to the mesh"]),
        (
            "10.96.0.22:80",
            [
                "nameless.shop",
                "list the service's subject alternative names",
            ],
        ),
        ("10.96.0.23:80", ["west/lost", "set one"]),
        ("10.96.0.24:80", ["west/192.0.2.99", "add it to the mesh"]),
        ("10.0.0.32:7000", ["far-waypoint.shop", "address a service"]),
        ("nobody.example:443", ["nobody.example", "resolve the name"]),
    ];
    for (destination, parts) in refusals {
        let message = refused(destination).to_string();
        for part in parts {
            assert!(message.contains(part), "{message}");
        }
    }
}
