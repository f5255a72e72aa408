use std::net::{IpAddr, SocketAddr};

use hbone::mesh::{
    ApplicationTunnel, Directory, Entropy, GatewayAddress, Health, HealthPolicy, LoadBalancing,
    LoadBalancingMode, Local, Locality, NamespacedHostname, NetworkAddress, Plan, Ports, Protocol,
    Scope, Service, Source, StaticMesh, TunnelProtocol, Turns, Visibility, Way, Without, Workload,
    candidates, forward, fronted, plan,
};
use hbone::{Authority, Hostname, Identity, IstioSource, Network, PORT, Profile, Telling};

use crate::script::Script;

/// Any mesh, source, destination and entropy: a plan keeps its promises, an equal question has an equal answer, a refusal says something;
/// and what asks for nothing but who fronts, who is meant, or where a gateway sends on, agrees with the mesh too.
pub fn mesh_plan(data: &[u8]) {
    let mut script = Script::new(data);
    let services: Vec<Service> = SERVICES
        .iter()
        .filter_map(|name| service(name, &mut script))
        .collect();
    let mut workloads = Vec::new();
    for network in NETWORKS {
        for at in 0..1 + script.below(5) {
            workloads.push(workload(network, at, &mut script));
        }
    }
    let Ok((mesh, _)) = StaticMesh::first_come(workloads.clone(), services) else {
        return;
    };
    let source = script.one_of(&workloads);
    let kind = script.one_of(&[
        None,
        Some(IstioSource::Gateway),
        Some(IstioSource::Sidecar),
        Some(IstioSource::Waypoint),
    ]);
    let from = match kind {
        Some(kind) => Source::proxy(&source, kind),
        None => Source::node_proxy(&source),
    };
    for _ in 0..3 {
        let to = destination(&mut script);
        let entropy = || Entropy::new(u128::from(u64::from_be_bytes([7; 8])));
        let once = plan(&mesh, from, &to, entropy());
        assert_eq!(once, plan(&mesh, from, &to, entropy()));
        let all_there = Without::new(&mesh, &|_| false);
        assert_eq!(once, plan(&all_there, from, &to, entropy()));
        match &once {
            Ok(plan) => keeps_its_promises(&mesh, &source, &to, plan),
            Err(refused) => assert!(!refused.to_string().is_empty()),
        }
        if let Ok(plan) = &once
            && let (Some(receiver), Some(_)) = (&plan.receiver, &plan.service)
        {
            let without = |workload: &Workload| workload.uid == receiver.uid;
            let elsewhere = hbone::mesh::plan(&Without::new(&mesh, &without), from, &to, entropy());
            let elsewhere = elsewhere.ok().and_then(|plan| plan.receiver);
            let is_waypoint = matches!(
                plan.way,
                Way::RemoteWaypoint | Way::ServiceWaypoint | Way::WorkloadWaypoint | Way::Gateway
            );
            assert!(is_waypoint || elsewhere.is_none_or(|other| other.uid != receiver.uid));
        }
        sent_on(&mesh, &source, &to, kind);
        let _ = fronted(&mesh, &source, &to);
        let here = ip(&[10, 0, 0], 0);
        let local = Local::new(&source, here);
        if let Ok(target) = local.target(&mesh, &to) {
            assert_eq!(
                target.target().ip(),
                here,
                "what is local is at the local address"
            );
            // A peer never has a proxy dial its own listeners: unless it tells the application, whose port is configured.
            assert!(
                source.application_tunnel.is_some()
                    || !Local::OWN_PORTS.contains(&target.target().port())
            );
        }
        let _ = local.service(&mesh, to.port(), to.hostname());
    }
}

const NETWORKS: [&str; 2] = ["east", "west"];
const SERVICES: [&str; 4] = ["a", "b", "c", "w"];
const IDENTITY: &str = "spiffe://cluster.local/ns/shop/sa/";

fn keeps_its_promises(mesh: &StaticMesh, source: &Workload, to: &Authority, plan: &Plan) {
    assert!(plan.legs.iter().all(|leg| !leg.expect.is_empty()));
    let route = plan.route(Profile::Ztunnel, &Telling::new());
    assert_eq!(route.map_or(0, |route| route.len()), plan.legs.len());
    match plan.way {
        Way::Passthrough => {
            assert_eq!(to.addr(), Some(plan.address));
            assert!(plan.legs.is_empty() && plan.receiver.is_none());
            let here = NetworkAddress::new(source.network.clone(), plan.address.ip());
            assert!(plan.service.is_some() || mesh.workload_at(&here).is_none());
        }
        Way::Direct | Way::Plaintext | Way::ServiceWaypoint | Way::WorkloadWaypoint => {
            let receiver = plan.receiver.as_ref().expect("somebody");
            assert_eq!(receiver.network, source.network);
            assert!(receiver.addresses.contains(&plan.address.ip()));
            assert_eq!(plan.legs.len(), usize::from(plan.way != Way::Plaintext));
            assert!(
                plan.legs
                    .iter()
                    .all(|leg| leg.expect.check(&receiver.identity).is_ok())
            );
        }
        Way::Gateway | Way::RemoteWaypoint => {
            let [outer, inner] = &plan.legs[..] else {
                panic!("{plan:?}");
            };
            assert_ne!(
                plan.receiver.as_ref().expect("somebody").network,
                source.network
            );
            let service = plan.service.as_ref().expect("only services are reached so");
            let port = to.port().try_into().expect("not 0");
            let named = Authority::from((service.hostname().clone(), port));
            assert_eq!([&outer.authority, &inner.authority], [&named, &named]);
        }
        other => panic!("{other:?}"),
    }
}

/// A gateway sends on within its own network, to one of the candidates, and turns lose nobody.
fn sent_on(mesh: &StaticMesh, gateway: &Workload, to: &Authority, kind: Option<IstioSource>) {
    let entropy = Entropy::new(3);
    let (sent, all) = (
        forward(mesh, gateway, to, kind, entropy),
        candidates(mesh, gateway, to, kind),
    );
    let (Ok(sent), Ok(all)) = (&sent, &all) else {
        assert_eq!(sent.is_ok(), all.is_ok());
        return;
    };
    assert_eq!(sent.receiver.network, gateway.network);
    assert!(sent.receiver.addresses.contains(&sent.address.ip()));
    assert!(all.list.iter().any(|it| it.address == sent.address));
    assert_eq!((&sent.service, sent.waypoint), (&all.service, all.waypoint));
    let mut turns = Turns::new();
    let total: u32 = all.list.iter().map(|it| it.weight).sum();
    let rounds = 2 * total.max(all.list.len() as u32) + 22;
    let mut taken = vec![0_u32; all.list.len()];
    for _ in 0..rounds {
        let chosen = turns
            .choose(&all.list, |_| 0, Entropy::new(5))
            .expect("there is one");
        let at = all
            .list
            .iter()
            .position(|it| std::ptr::eq(it, chosen))
            .expect("one of them");
        taken[at] += 1;
    }
    for (one, taken) in all.list.iter().zip(taken) {
        assert!(taken == 0 || one.weight > 0 || total == 0, "{one:?}");
    }
}

fn ip(front: &[u8; 3], at: usize) -> IpAddr {
    let [a, b, c] = *front;
    IpAddr::from([a, b, c, u8::try_from(at).expect("a small number")])
}

fn name(short: &str) -> NamespacedHostname {
    NamespacedHostname::new("shop", hostname(short))
}

fn hostname(short: &str) -> Hostname {
    format!("{short}.shop.svc").parse().expect("a name")
}

fn network(name: &str) -> Network {
    name.parse().expect("a network")
}

fn identity(account: &str) -> Identity {
    format!("{IDENTITY}{account}").parse().expect("an identity")
}

fn gateway(script: &mut Script<'_>) -> Option<GatewayAddress> {
    let gateway = match script.below(4) {
        0 => return None,
        1 => GatewayAddress::named(name(script.one_of(&SERVICES))),
        2 => GatewayAddress::at(NetworkAddress::new(
            network(script.one_of(&NETWORKS)),
            ip(&[10, 0, 0], script.below(6)),
        )),
        _ => GatewayAddress::at(NetworkAddress::new(
            network(script.one_of(&NETWORKS)),
            ip(&[10, 96, 0], script.below(4)),
        )),
    };
    Some(if script.below(8) == 7 {
        gateway.on(15009)
    } else {
        gateway
    })
}

fn locality(script: &mut Script<'_>) -> Locality {
    let some = ["", "r", "s"];
    Locality::new(
        script.one_of(&some),
        script.one_of(&some),
        script.one_of(&some),
    )
}

fn service(short: &str, script: &mut Script<'_>) -> Option<Service> {
    if script.below(5) == 4 {
        return None;
    }
    let target = script.one_of(&[8080, 0, PORT]);
    let mut service = Service::new(name(short), Ports::from([(80, target), (81, 8081)]));
    let at = SERVICES
        .iter()
        .position(|it| *it == short)
        .expect("one of them");
    for net in NETWORKS {
        if script.flag() {
            service
                .addresses
                .push(NetworkAddress::new(network(net), ip(&[10, 96, 0], at)));
        }
    }
    if script.below(8) == 7 {
        let range = "10.96.0.0/30".parse().expect("a range");
        service
            .ranges
            .push((network(script.one_of(&NETWORKS)), range));
    }
    if script.flag() {
        service.identities = [identity(short)].into_iter().collect();
    }
    service.waypoint = gateway(script);
    service.ingress_use_waypoint = script.flag();
    let modes = [
        LoadBalancingMode::Failover,
        LoadBalancingMode::Passthrough,
        LoadBalancingMode::Standard,
        LoadBalancingMode::Strict,
    ];
    let scopes = [
        Scope::Network,
        Scope::Region,
        Scope::Zone,
        Scope::Subzone,
        Scope::Node,
        Scope::Cluster,
    ];
    service.load_balancing = LoadBalancing::new(
        script.one_of(&modes),
        script.several(4, |script| script.one_of(&scopes)),
    );
    if script.below(4) == 3 {
        service.load_balancing.health = HealthPolicy::AllowAll;
    }
    if script.below(8) == 7 {
        let namespace = script.one_of(&["shop", "other"]);
        service.visibility = Visibility::Namespaces([namespace.into()].into_iter().collect());
    }
    Some(service)
}

fn workload(net: &str, at: usize, script: &mut Script<'_>) -> Workload {
    let mut workload = Workload::new(format!("{net}/{at}"), identity(&format!("{net}-{at}")));
    workload.network = network(net);
    if script.below(5) != 4 {
        workload.addresses = vec![ip(&[10, 0, 0], at)];
    }
    workload.protocol = if script.below(5) == 4 {
        Protocol::Tcp
    } else {
        Protocol::Hbone
    };
    workload.health = if script.below(5) == 4 {
        Health::Unhealthy
    } else {
        Health::Healthy
    };
    workload.capacity = script.one_of(&[1, 0, 2, 7]);
    workload.locality = locality(script);
    workload.host_network = script.below(8) == 7;
    for short in script.several(4, |script| script.one_of(&SERVICES)) {
        let ports = script.maybe(|script| (script.one_of(&[80, 81]), script.one_of(&[0, 9090])));
        workload
            .services
            .insert(name(short), ports.into_iter().collect::<Ports>());
    }
    workload.waypoint = gateway(script);
    workload.network_gateway = gateway(script);
    if script.below(8) == 7 {
        workload.hostname = Some(hostname("pod"));
    }
    if script.below(8) == 7 {
        let protocol = script.one_of(&[TunnelProtocol::None, TunnelProtocol::Proxy]);
        let port = script.one_of(&[None, Some(15088), Some(9999)]);
        let port = port.and_then(|port: u16| port.try_into().ok());
        workload.application_tunnel = Some(ApplicationTunnel::new(protocol, port));
    }
    workload
}

fn destination(script: &mut Script<'_>) -> Authority {
    let port = script.one_of(&[80_u16, 81, PORT, 9999]);
    match script.below(3) {
        0 => SocketAddr::new(ip(&[10, 0, 0], script.below(6)), port).into(),
        1 => SocketAddr::new(ip(&[10, 96, 0], script.below(5)), port).into(),
        _ => {
            let short = script.one_of(&["a", "b", "c", "w", "pod", "nobody"]);
            Authority::from((hostname(short), port.try_into().expect("not 0")))
        }
    }
}
