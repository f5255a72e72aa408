//! What holds of every plan in every mesh.

use std::net::{IpAddr, SocketAddr};

use hbone::mesh::{
    Directory, Entropy, GatewayAddress, Health, LoadBalancing, LoadBalancingMode, Local,
    NetworkAddress, Plan, Ports, Protocol, Scope, Service, Source, StaticMesh, Way, Workload,
    forward, fronted, plan,
};
use hbone::{Authority, ExpectedIdentities, IstioSource};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::two_networks::{identity, name, network, service, workload};

const NETWORKS: [&str; 2] = ["east", "west"];
const SERVICES: [&str; 4] = ["a.shop", "b.shop", "c.shop", "w.shop"];
const PORTS: [u16; 3] = [80, 81, 15008];

/// The same few addresses in each network, so that they overlap all the time.
fn pod_ip(index: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, u8::try_from(index).unwrap()])
}

fn service_ip(index: usize) -> IpAddr {
    IpAddr::from([10, 96, 0, u8::try_from(index).unwrap()])
}

fn gateways() -> impl Strategy<Value = Option<GatewayAddress>> {
    let by_address =
        (select(&NETWORKS[..]), 0..6_usize, any::<bool>()).prop_map(|(net, n, pod)| {
            let ip = if pod { pod_ip(n) } else { service_ip(n) };
            GatewayAddress::at(NetworkAddress::new(network(net), ip))
        });
    let by_name = select(&SERVICES[..]).prop_map(|short| GatewayAddress::named(name(short)));
    proptest::option::of(prop_oneof![by_address, by_name])
}

#[derive(Debug, Clone)]
struct Pod {
    addressed: bool,
    hbone: bool,
    healthy: bool,
    capacity: u32,
    services: Vec<&'static str>,
    port: Option<(u16, u16)>,
    waypoint: Option<GatewayAddress>,
    gateway: Option<GatewayAddress>,
}

prop_compose! {
    fn pods()(
        addressed in prop::bool::weighted(0.8),
        hbone in prop::bool::weighted(0.8),
        healthy in prop::bool::weighted(0.8),
        capacity in 0..3_u32,
        services in proptest::sample::subsequence(SERVICES.to_vec(), 0..=3),
        port in proptest::option::of((select(&PORTS[..]), 0..3_u16)),
        waypoint in gateways(),
        gateway in gateways(),
    ) -> Pod {
        Pod { addressed, hbone, healthy, capacity, services, port, waypoint, gateway }
    }
}

fn pod(net: &str, index: usize, pod: Pod) -> Workload {
    let mut made = workload(
        &format!("{net}/{index}"),
        &format!("{net}-{index}"),
        &[],
        &[],
    );
    if pod.addressed {
        made.addresses = vec![pod_ip(index)];
    }
    if !pod.hbone {
        made.protocol = Protocol::Tcp;
    }
    if !pod.healthy {
        made.health = Health::Unhealthy;
    }
    made.capacity = pod.capacity;
    for short in pod.services {
        made.services
            .insert(name(short), pod.port.into_iter().collect::<Ports>());
    }
    made.waypoint = pod.waypoint;
    made.network_gateway = pod.gateway;
    made
}

prop_compose! {
    fn services()(index in 0..SERVICES.len())(
        index in Just(index),
        addressed in any::<[bool; 2]>(),
        open in any::<bool>(),
        trusted in any::<bool>(),
        waypoint in gateways(),
        asks in any::<bool>(),
        mode in select(&[
            LoadBalancingMode::Failover,
            LoadBalancingMode::Passthrough,
            LoadBalancingMode::Standard,
            LoadBalancingMode::Strict,
        ][..]),
    ) -> Service {
        let target = if open { 0 } else { 8080 };
        let mut made = service(SERVICES[index], &[], &[(80, target), (81, 8081)]);
        for (net, _) in NETWORKS.iter().zip(addressed).filter(|(_, addressed)| *addressed) {
            made.addresses.push(NetworkAddress::new(network(net), service_ip(index)));
        }
        if trusted {
            made.identities = [identity("shop", SERVICES[index])].into_iter().collect();
        }
        made.waypoint = waypoint;
        made.ingress_use_waypoint = asks;
        made.load_balancing = LoadBalancing::new(mode, [Scope::Network]);
        made
    }
}

prop_compose! {
    fn meshes()(
        east in proptest::collection::vec(pods(), 1..6),
        west in proptest::collection::vec(pods(), 0..6),
        mut services in proptest::collection::vec(services(), 0..6),
    ) -> (Vec<Workload>, Vec<Service>) {
        services.sort_by(|a, b| a.name.cmp(&b.name));
        services.dedup_by(|a, b| a.name == b.name);
        let east = east.into_iter().enumerate().map(|(index, it)| pod("east", index, it));
        let west = west.into_iter().enumerate().map(|(index, it)| pod("west", index, it));
        (east.chain(west).collect(), services)
    }
}

fn destinations() -> impl Strategy<Value = Authority> {
    let port = || select(&PORTS[..]);
    let pods = (0..7_usize, port()).prop_map(|(n, port)| SocketAddr::new(pod_ip(n), port).into());
    let addresses =
        (0..5_usize, port()).prop_map(|(n, port)| SocketAddr::new(service_ip(n), port).into());
    let names = (select(&SERVICES[..]), port()).prop_map(|(short, port)| {
        Authority::from((name(short).hostname().clone(), port.try_into().unwrap()))
    });
    prop_oneof![pods, addresses, names]
}

fn kinds() -> impl Strategy<Value = Option<IstioSource>> {
    let kinds = [
        IstioSource::Gateway,
        IstioSource::Sidecar,
        IstioSource::Waypoint,
    ];
    proptest::option::of(select(kinds.to_vec()))
}

/// All that a plan promises, checked against the mesh.
fn check(mesh: &StaticMesh, source: &Workload, to: &Authority, plan: &Plan) {
    assert!(plan.legs.iter().all(|leg| !leg.expect.is_empty()));
    match plan.way {
        Way::Passthrough => {
            assert_eq!(to.addr(), Some(plan.address));
            assert!(plan.legs.is_empty() && plan.receiver.is_none());
            let key = NetworkAddress::new(source.network.clone(), plan.address.ip());
            assert_eq!(
                mesh.workload_at(&key).filter(|_| plan.service.is_none()),
                None
            );
        }
        Way::Direct | Way::Plaintext | Way::ServiceWaypoint | Way::WorkloadWaypoint => {
            let receiver = plan.receiver.as_ref().unwrap();
            assert_eq!(receiver.network, source.network);
            assert!(receiver.addresses.contains(&plan.address.ip()));
            let tunnels = usize::from(plan.way != Way::Plaintext);
            assert_eq!(plan.legs.len(), tunnels);
            for leg in &plan.legs {
                assert!(leg.expect.check(&receiver.identity).is_ok());
            }
        }
        Way::Gateway | Way::RemoteWaypoint => {
            let [outer, inner] = &plan.legs[..] else {
                panic!("{plan:?}");
            };
            let receiver = plan.receiver.as_ref().unwrap();
            assert_ne!(receiver.network, source.network);
            // a stand-in is never who answers
            assert!(inner.expect.check(&receiver.identity).is_err());
            let service = plan.service.as_ref().unwrap();
            let named = Authority::Name {
                host: service.hostname().clone(),
                port: to.port().try_into().unwrap(),
            };
            assert_eq!([&outer.authority, &inner.authority], [&named, &named]);
            if plan.way == Way::Gateway {
                assert_eq!(inner.expect, service.identities);
            }
        }
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_plan_keeps_its_promises_and_a_refusal_is_never_a_crash(
        (workloads, services) in meshes(),
        source in any::<Index>(),
        kind in kinds(),
        to in destinations(),
        entropy in any::<u128>(),
    ) {
        let source = source.get(&workloads).clone();
        let mesh = StaticMesh::new(workloads, services).unwrap();
        let from = match kind {
            Some(kind) => Source::proxy(&source, kind),
            None => Source::node_proxy(&source),
        };
        let entropy = Entropy::new(entropy);
        let once = plan(&mesh, from, &to, entropy);
        prop_assert_eq!(&once, &plan(&mesh, from, &to, entropy));
        match once {
            Ok(plan) => check(&mesh, &source, &to, &plan),
            Err(refused) => prop_assert!(!refused.to_string().is_empty()),
        }
        let _ = fronted(&mesh, &source, &to);
        let _ = Local::new(&source, pod_ip(0)).target(&mesh, &to);
        if let Ok(sent) = forward(&mesh, &source, &to, kind, entropy) {
            prop_assert_eq!(&sent.receiver.network, &source.network);
            prop_assert!(sent.receiver.addresses.contains(&sent.address.ip()));
        }
    }

    #[test]
    fn what_another_network_holds_changes_nothing_at_an_address_of_ours(
        (workloads, services) in meshes(),
        others in proptest::collection::vec(pods(), 0..6),
        to in destinations(),
        entropy in any::<u128>(),
    ) {
        // pods and services of a third network, at the same addresses, that have nothing to do with ours
        let north = others.into_iter().enumerate().map(|(index, mut it)| {
            it.services.clear();
            pod("north", index, it)
        });
        let theirs = (0..5).map(|index| {
            let mut theirs = service(&format!("n{index}.north"), &[], &[(80, 8080), (81, 8080)]);
            theirs.addresses.push(NetworkAddress::new(network("north"), service_ip(index)));
            theirs.identities = ExpectedIdentities::from(identity("north", "any"));
            theirs
        });
        let source = workloads[0].clone();
        let alone = StaticMesh::new(workloads.clone(), services.clone()).unwrap();
        let among = StaticMesh::new(
            workloads.into_iter().chain(north),
            services.into_iter().chain(theirs),
        );
        let among = among.unwrap();
        let from = Source::node_proxy(&source);
        let entropy = Entropy::new(entropy);
        prop_assert_eq!(plan(&alone, from, &to, entropy), plan(&among, from, &to, entropy));
    }

    #[test]
    fn a_node_proxy_never_gets_past_a_waypoint(
        (workloads, services) in meshes(),
        to in destinations(),
        entropy in any::<u128>(),
    ) {
        let source = workloads[0].clone();
        let mesh = StaticMesh::new(workloads, services).unwrap();
        let Ok(plan) = plan(&mesh, Source::node_proxy(&source), &to, Entropy::new(entropy)) else {
            return Ok(());
        };
        let receiver = plan.receiver.as_deref();
        let waypoint = match &plan.service {
            Some(service) => service.waypoint.as_ref(),
            None => receiver.and_then(|receiver| receiver.waypoint.as_ref()),
        };
        let passed = matches!(
            plan.way,
            Way::RemoteWaypoint | Way::ServiceWaypoint | Way::WorkloadWaypoint
        );
        if let Some(waypoint) = waypoint && !passed {
            // then the source is the waypoint, and takes what is addressed to it
            let asked = match (&plan.service, receiver) {
                (Some(service), _) => {
                    let port = 81.try_into().unwrap();
                    Authority::from((service.hostname().clone(), port))
                }
                (None, receiver) => SocketAddr::new(receiver.unwrap().addresses[0], 81).into(),
            };
            prop_assert!(
                fronted(&mesh, &source, &asked).is_ok(),
                "{waypoint} was passed by: {plan:?}"
            );
        }
    }
}

#[test]
fn the_meshes_of_the_properties_reach_every_way_and_most_refusals() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for entropy in 0..2000_u128 {
        let (workloads, services) = meshes().new_tree(&mut runner).unwrap().current();
        let to = destinations().new_tree(&mut runner).unwrap().current();
        let source = workloads[0].clone();
        let mesh = StaticMesh::new(workloads, services).unwrap();
        let outcome = plan(
            &mesh,
            Source::node_proxy(&source),
            &to,
            Entropy::new(entropy),
        );
        seen.insert(match outcome {
            Ok(plan) => format!("{:?}", plan.way),
            Err(refused) => {
                let text = format!("{refused:?}");
                text.split(' ').next().unwrap().to_owned()
            }
        });
    }
    for wanted in [
        "Direct",
        "Gateway",
        "NoEndpointForPort",
        "NoEndpointInScope",
        "NoGateway",
        "NoHealthyEndpoint",
        "NoIdentities",
        "Passthrough",
        "Plaintext",
        "PortNotExposed",
        "RemoteWaypoint",
        "RemoteWorkloadWaypoint",
        "ServiceWaypoint",
        "Unaddressed",
        "UnknownGateway",
        "UnknownService",
        "UnknownWaypoint",
        "Unpopulated",
        "WorkloadWaypoint",
    ] {
        assert!(seen.contains(wanted), "{wanted} is not among {seen:?}");
    }
}
