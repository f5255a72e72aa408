//! One mesh of two networks for every question: `east`, where we are, and `west`, behind a gateway. Pods and services of
//! the two overlap in their addresses on purpose.

use hbone::mesh::{
    ApplicationTunnel, Entropy, GatewayAddress, Health, Locality, NamespacedHostname,
    NetworkAddress, Plan, Ports, Protocol, Service, StaticMesh, TunnelProtocol, Way, Workload,
};
use hbone::{Authority, Hostname, Identity, Network};

/// An identity of the mesh.
pub(crate) fn identity(namespace: &str, account: &str) -> Identity {
    format!("spiffe://cluster.local/ns/{namespace}/sa/{account}")
        .parse()
        .unwrap()
}

pub(crate) fn network(name: &str) -> Network {
    name.parse().unwrap()
}

pub(crate) fn hostname(name: &str) -> Hostname {
    name.parse().unwrap()
}

pub(crate) fn authority(text: &str) -> Authority {
    text.parse().unwrap()
}

/// `echo.shop` is the service `echo` of namespace `shop`.
pub(crate) fn name(short: &str) -> NamespacedHostname {
    let (_, namespace) = short.split_once('.').unwrap();
    let long = format!("{short}.svc.cluster.local");
    NamespacedHostname::new(namespace, hostname(&long))
}

/// `east/10.0.0.1`.
pub(crate) fn address(text: &str) -> NetworkAddress {
    let (net, ip) = text.split_once('/').unwrap();
    NetworkAddress::new(network(net), ip.parse().unwrap())
}

/// A workload that speaks HBONE, with the given addresses, as an endpoint of the given services.
pub(crate) fn workload(
    uid: &str,
    account: &str,
    addresses: &[&str],
    services: &[&str],
) -> Workload {
    let (net, _) = uid.split_once('/').unwrap();
    let mut workload = Workload::new(uid, identity("shop", account));
    workload.network = network(net);
    workload.protocol = Protocol::Hbone;
    workload.addresses = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
    let services = services.iter();
    workload.services = services
        .map(|service| (name(service), Ports::default()))
        .collect();
    workload
}

/// A service with the given addresses and ports.
pub(crate) fn service(short: &str, addresses: &[&str], ports: &[(u16, u16)]) -> Service {
    let mut service = Service::new(name(short), ports.iter().copied().collect::<Ports>());
    service.addresses = addresses.iter().copied().map(address).collect();
    service
}

fn expecting(mut service: Service, accounts: &[&str]) -> Service {
    let accounts = accounts.iter();
    service.identities = accounts.map(|account| identity("shop", account)).collect();
    service
}

fn fronted(mut service: Service, waypoint: GatewayAddress) -> Service {
    service.waypoint = Some(waypoint);
    service
}

/// A workload of the west as the east sees it: no address, a gateway.
fn stand_in(uid: &str, gateway: Option<GatewayAddress>, services: &[&str]) -> Workload {
    let mut workload = workload(uid, "stand-in", &[], services);
    workload.network_gateway = gateway;
    workload
}

pub(crate) fn workloads() -> Vec<Workload> {
    let west_gateway = || Some(GatewayAddress::named(name("gateway.west")));

    let mut client = workload("east/client", "client", &["10.0.0.1"], &[]);
    client.locality = Locality::new("eu", "a", "1");
    client.node = "node-1".into();

    let mut light = workload("east/echo-light", "echo", &["10.0.0.11"], &["echo.shop"]);
    light.locality = Locality::new("eu", "a", "1");
    let mut heavy = workload("east/echo-heavy", "echo", &["10.0.0.12"], &["echo.shop"]);
    heavy.capacity = 3;
    heavy
        .services
        .insert(name("echo.shop"), Ports::from([(81, 9091)]));

    let mut plain = workload("east/plain", "plain", &["10.0.0.20"], &["plain.shop"]);
    plain.protocol = Protocol::Tcp;

    let guarded = workload(
        "east/guarded",
        "guarded",
        &["10.0.0.30"],
        &["guarded.shop", "asking.shop"],
    );
    let mut solo = workload("east/solo", "solo", &["10.0.0.31"], &[]);
    solo.waypoint = Some(GatewayAddress::at(address("east/10.0.0.40")));
    let mut stranded = workload("east/stranded", "stranded", &["10.0.0.32"], &[]);
    stranded.waypoint = Some(GatewayAddress::named(name("far-waypoint.shop")));
    let waypoint = workload(
        "east/waypoint",
        "waypoint",
        &["10.0.0.40"],
        &["waypoint.shop"],
    );
    let ingress = workload("east/ingress", "ingress", &["10.0.0.50"], &[]);

    let mut told = workload(
        "east/told",
        "told",
        &["10.0.0.60"],
        &["told.shop", "mute.shop"],
    );
    let port = 15088.try_into().ok();
    told.application_tunnel = Some(ApplicationTunnel::new(TunnelProtocol::Proxy, port));
    let mut moved = workload("east/moved", "moved", &["10.0.0.61"], &["moved.shop"]);
    let port = 9999.try_into().ok();
    moved.application_tunnel = Some(ApplicationTunnel::new(TunnelProtocol::None, port));

    let mut sick = workload("east/sick", "sick", &["10.0.0.70"], &["sick.shop"]);
    sick.health = Health::Unhealthy;
    let mut on_node = workload("east/on-node", "on-node", &["10.0.0.80"], &[]);
    on_node.host_network = true;
    let dual = workload(
        "east/dual",
        "dual",
        &["10.0.0.90", "fd00::90"],
        &["dual.shop"],
    );

    let far = stand_in("west/far", west_gateway(), &["far.shop"]);
    let far_waypoint = stand_in(
        "west/far-waypoint-1",
        Some(GatewayAddress::at(address("west/192.0.2.1"))),
        &["far-waypoint.shop"],
    );
    let nameless = stand_in("west/nameless", west_gateway(), &["nameless.shop"]);
    let lost = stand_in("west/lost", None, &["lost.shop"]);
    let nowhere = GatewayAddress::at(address("west/192.0.2.99"));
    let ghost = stand_in("west/ghost", Some(nowhere), &["ghost.shop"]);

    // who has 10.0.0.11 and 10.0.0.99 in the west
    let double = workload("west/double", "double", &["10.0.0.11"], &[]);
    let other = workload("west/other", "other", &["10.0.0.99"], &[]);
    let mut gateway = workload(
        "west/gateway-1",
        "gateway",
        &["192.0.2.11"],
        &["gateway.west"],
    );
    gateway.hostname = Some(hostname("one.gateway.example"));

    vec![
        client,
        light,
        heavy,
        plain,
        guarded,
        solo,
        stranded,
        waypoint,
        ingress,
        told,
        moved,
        sick,
        on_node,
        dual,
        far,
        far_waypoint,
        nameless,
        lost,
        ghost,
        double,
        other,
        gateway,
    ]
}

pub(crate) fn services() -> Vec<Service> {
    let waypoint = || GatewayAddress::named(name("waypoint.shop"));
    let far_waypoint = || GatewayAddress::named(name("far-waypoint.shop"));
    let mut asking = fronted(
        service("asking.shop", &["east/10.96.0.4"], &[(80, 8080)]),
        waypoint(),
    );
    asking.ingress_use_waypoint = true;
    vec![
        expecting(
            service(
                "echo.shop",
                &["east/10.96.0.1"],
                &[(80, 8080), (81, 0), (82, 15001)],
            ),
            &["echo-service"],
        ),
        service("plain.shop", &["east/10.96.0.2"], &[(80, 8080)]),
        fronted(
            service("guarded.shop", &["east/10.96.0.3"], &[(80, 8080)]),
            waypoint(),
        ),
        asking,
        expecting(
            service("waypoint.shop", &["east/10.96.0.40"], &[(15008, 15008)]),
            &["waypoint-service"],
        ),
        service(
            "told.shop",
            &["east/10.96.0.5", "east/fd96::5", "west/10.96.0.9"],
            &[(80, 8080)],
        ),
        service("mute.shop", &[], &[(80, 8080)]),
        service("moved.shop", &["east/10.96.0.6"], &[(80, 8080)]),
        service("sick.shop", &["east/10.96.0.7"], &[(80, 8080)]),
        service("empty.shop", &["east/10.96.0.8"], &[(80, 8080)]),
        service(
            "dual.shop",
            &["east/10.96.0.10", "east/fd96::10"],
            &[(80, 8080)],
        ),
        fronted(
            service("unguarded.shop", &["east/10.96.0.11"], &[(80, 8080)]),
            GatewayAddress::named(name("missing.shop")),
        ),
        expecting(
            service("far.shop", &["east/10.96.0.20"], &[(80, 8080)]),
            &["far", "far-too"],
        ),
        fronted(
            expecting(
                service("far-guarded.shop", &["east/10.96.0.21"], &[(80, 8080)]),
                &["far"],
            ),
            far_waypoint(),
        ),
        expecting(
            service("far-waypoint.shop", &[], &[(15008, 15008)]),
            &["far-waypoint"],
        ),
        service("nameless.shop", &["east/10.96.0.22"], &[(80, 8080)]),
        expecting(
            service("lost.shop", &["east/10.96.0.23"], &[(80, 8080)]),
            &["far"],
        ),
        expecting(
            service("ghost.shop", &["east/10.96.0.24"], &[(80, 8080)]),
            &["far"],
        ),
        // the same address as echo's, in the west
        service("double.shop", &["west/10.96.0.1"], &[(80, 8080)]),
        expecting(
            service("gateway.west", &["west/192.0.2.1"], &[(15008, 15443)]),
            &["gateway-service"],
        ),
    ]
}

pub(crate) fn mesh() -> StaticMesh {
    StaticMesh::new(workloads(), services()).unwrap()
}

/// The workload with this uid.
pub(crate) fn find(mesh: &StaticMesh, uid: &str) -> Workload {
    let mut all = mesh.workloads();
    let found = all.find(|workload| &*workload.uid == uid);
    Workload::clone(found.unwrap())
}

/// The plan in one line: the way, what is dialled, and each tunnel with its position, authority and who is expected.
pub(crate) fn show(plan: &Plan) -> String {
    let mut text = format!("{:?} {}", plan.way, plan.address);
    for leg in &plan.legs {
        let accounts: Vec<_> = leg
            .expect
            .iter()
            .map(|expected| expected.to_string().rsplit('/').next().unwrap().to_owned())
            .collect();
        let accounts = accounts.join(" ");
        text += &format!(" > {:?} {} by {accounts}", leg.position, leg.authority);
    }
    assert_eq!(
        plan.legs.is_empty(),
        matches!(plan.way, Way::Passthrough | Way::Plaintext)
    );
    text
}

/// The first of all possibilities.
pub(crate) const FIRST: Entropy = Entropy::new(0);
