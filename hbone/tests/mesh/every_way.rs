//! All ways to a service at once, for those who share requests out themselves.

use std::collections::BTreeMap;

use hbone::IstioSource;
use hbone::mesh::{
    Entropy, GatewayAddress, Health, HealthPolicy, LoadBalancing, LoadBalancingMode, Locality,
    NoRoute, Scope, Service, Source, StaticMesh, WeightedPlan, Workload, plan, plan_all,
};

use crate::two_networks::{
    FIRST, address, authority, find, mesh, name, service, services, show, workload, workloads,
};

fn every(
    mesh: &StaticMesh,
    source: Source<'_>,
    short: &str,
    port: u16,
) -> Result<Vec<WeightedPlan>, NoRoute> {
    let mut services = mesh.services();
    let named = services.find(|service| service.name == name(short));
    plan_all(mesh, source, named.expect("a service"), port, FIRST)
}

/// Who receives, by which way, and with what weight.
fn shown(every: Result<Vec<WeightedPlan>, NoRoute>) -> Vec<(String, String, u32)> {
    let every = every.expect("ways").into_iter();
    every
        .map(|one| {
            let receiver = one.plan.receiver.as_ref().expect("a receiver");
            (receiver.uid.to_string(), show(&one.plan), one.weight)
        })
        .collect()
}

fn changed(
    workload: impl FnOnce(&mut Vec<Workload>),
    service: impl FnOnce(&mut Vec<Service>),
) -> StaticMesh {
    let (mut workloads, mut services) = (workloads(), services());
    workload(&mut workloads);
    service(&mut services);
    StaticMesh::new(workloads, services).expect("a mesh")
}

fn row(uid: &str, plan: &str, weight: u32) -> (String, String, u32) {
    (uid.to_owned(), plan.to_owned(), weight)
}

#[test]
fn every_endpoint_is_there_once_with_its_weight_and_its_own_port() {
    // [R3], [R14]
    let mesh = mesh();
    let waypoint = find(&mesh, "east/waypoint");
    let source = || Source::proxy(&waypoint, IstioSource::Waypoint);
    assert_eq!(
        shown(every(&mesh, source(), "echo.shop", 80)),
        [
            row(
                "east/echo-heavy",
                "Direct 10.0.0.12:15008 > Single 10.0.0.12:8080 by echo echo-service",
                3
            ),
            row(
                "east/echo-light",
                "Direct 10.0.0.11:15008 > Single 10.0.0.11:8080 by echo echo-service",
                1
            ),
        ]
    );
    // The service leaves this port open: only one says where it is.
    assert_eq!(
        shown(every(&mesh, source(), "echo.shop", 81)),
        [row(
            "east/echo-heavy",
            "Direct 10.0.0.12:15008 > Single 10.0.0.12:9091 by echo echo-service",
            3
        )]
    );
}

#[test]
fn what_plan_chooses_over_all_entropies_is_what_plan_all_lists() {
    // [R31] to [R34]
    let weights = [5, 0, 2, 9];
    let mut endpoints: Vec<_> = (1..).zip(weights).map(endpoint).collect();
    let mut sick = endpoint((5, 7));
    sick.health = Health::Unhealthy;
    let mut far = endpoint((6, 11));
    far.locality = Locality::new("us", "b", "1");
    endpoints.extend([sick, far]);
    let mut source = workload("e/client", "client", &["10.9.0.1"], &[]);
    source.locality = Locality::new("eu", "a", "1");
    for (mode, health) in [
        (LoadBalancingMode::Standard, HealthPolicy::OnlyHealthy),
        (LoadBalancingMode::Failover, HealthPolicy::OnlyHealthy),
        (LoadBalancingMode::Strict, HealthPolicy::OnlyHealthy),
        (LoadBalancingMode::Failover, HealthPolicy::AllowAll),
    ] {
        let mut echo = service("echo.shop", &["e/10.96.0.1"], &[(80, 8080)]);
        echo.load_balancing = LoadBalancing::new(mode, [Scope::Region]);
        echo.load_balancing.health = health;
        let mesh = StaticMesh::new(endpoints.clone(), [echo]).expect("a mesh");
        let listed = every(&mesh, Source::node_proxy(&source), "echo.shop", 80);
        let listed: BTreeMap<String, u32> = shown(listed)
            .into_iter()
            .map(|(uid, way, weight)| (format!("{uid} {way}"), weight))
            .filter(|(_, weight)| *weight > 0)
            .collect();
        let mut chosen = BTreeMap::new();
        for entropy in 0..u128::from(listed.values().sum::<u32>()) {
            let to = authority("10.96.0.1:80");
            let source = Source::node_proxy(&source);
            let plan = plan(&mesh, source, &to, Entropy::new(entropy)).expect("a way");
            let receiver = plan.receiver.as_ref().expect("a receiver");
            let key = format!("{} {}", receiver.uid, show(&plan));
            *chosen.entry(key).or_insert(0_u32) += 1;
        }
        assert_eq!(listed, chosen, "{mode:?} {health:?}");
    }
}

fn endpoint((index, weight): (usize, u32)) -> Workload {
    let ip = format!("10.0.0.{index}");
    let mut endpoint = workload(&format!("e/{index}"), "echo", &[&ip], &["echo.shop"]);
    endpoint.capacity = weight;
    endpoint.locality = Locality::new("eu", "a", "1");
    endpoint
}

#[test]
fn instances_of_a_waypoint_that_is_to_be_passed_stand_for_the_endpoints() {
    // [R5], [R15]
    let mesh = changed(
        |workloads| {
            let services = &["waypoint.shop"];
            let mut second = workload("east/waypoint-2", "waypoint", &["10.0.0.41"], services);
            second.capacity = 4;
            workloads.push(second);
        },
        |_| {},
    );
    let ingress = find(&mesh, "east/ingress");
    let ways = [
        row(
            "east/waypoint",
            "ServiceWaypoint 10.0.0.40:15008 > ToWaypoint 10.96.0.4:80 by waypoint waypoint-service",
            1,
        ),
        row(
            "east/waypoint-2",
            "ServiceWaypoint 10.0.0.41:15008 > ToWaypoint 10.96.0.4:80 by waypoint waypoint-service",
            4,
        ),
    ];
    let gateway = Source::proxy(&ingress, IstioSource::Gateway);
    assert_eq!(shown(every(&mesh, gateway, "asking.shop", 80)), ways);
    // Nobody has asked an ingress gateway to pass this one's.
    assert_eq!(
        shown(every(&mesh, gateway, "guarded.shop", 80)),
        [row(
            "east/guarded",
            "Direct 10.0.0.30:15008 > Single 10.0.0.30:8080 by guarded",
            1
        )]
    );
}

#[test]
fn endpoints_behind_a_gateway_have_one_way_and_weights_of_their_own() {
    // [R7]
    let mesh = changed(
        |workloads| {
            let mut second = find(&mesh(), "west/far");
            second.uid = "west/far-2".into();
            second.capacity = 2;
            workloads.push(second);
        },
        |_| {},
    );
    let waypoint = find(&mesh, "east/waypoint");
    let source = Source::proxy(&waypoint, IstioSource::Waypoint);
    let way = "Gateway 192.0.2.11:15443 \
        > Outer far.shop.svc.cluster.local:80 by gateway gateway-service \
        > Inner far.shop.svc.cluster.local:80 by far far-too";
    assert_eq!(
        shown(every(&mesh, source, "far.shop", 80)),
        [row("west/far", way, 1), row("west/far-2", way, 2)]
    );
}

#[test]
fn what_cannot_be_reached_is_left_out_unless_there_is_nothing_else() {
    // [R25], [R28], [R30]
    let mesh = changed(
        |workloads| {
            let lost = workloads.iter_mut().find(|one| &*one.uid == "west/lost");
            let lost = lost.expect("there");
            lost.services.insert(name("far.shop"), Default::default());
        },
        |_| {},
    );
    let client = find(&mesh, "east/client");
    let source = Source::node_proxy(&client);
    let far: Vec<_> = shown(every(&mesh, source, "far.shop", 80))
        .into_iter()
        .map(|(uid, _, _)| uid)
        .collect();
    assert_eq!(far, ["west/far"]);
    let refused = |short, port| {
        let refused = every(&mesh, source, short, port).expect_err("no way");
        let text = format!("{refused:?}");
        text.split(' ').next().expect("a name").to_owned()
    };
    for (short, port, reason) in [
        ("echo.shop", 4242, "PortNotExposed"),
        ("empty.shop", 80, "Unpopulated"),
        ("sick.shop", 80, "NoHealthyEndpoint"),
        ("lost.shop", 80, "NoGateway"),
        ("ghost.shop", 80, "UnknownGateway"),
        ("nameless.shop", 80, "NoIdentities"),
        ("unguarded.shop", 80, "UnknownWaypoint"),
    ] {
        assert_eq!(refused(short, port), reason, "{short}");
    }
}

#[test]
fn a_waypoint_that_is_one_workload_is_one_way() {
    // [R13]
    let mesh = changed(
        |_| {},
        |services| {
            let mut all = services.iter_mut();
            let guarded = all.find(|service| service.name == name("guarded.shop"));
            let at = GatewayAddress::at(address("east/10.0.0.40"));
            guarded.expect("there").waypoint = Some(at);
        },
    );
    let client = find(&mesh, "east/client");
    assert_eq!(
        shown(every(
            &mesh,
            Source::node_proxy(&client),
            "guarded.shop",
            80
        )),
        [row(
            "east/waypoint",
            "ServiceWaypoint 10.0.0.40:15008 > ToWaypoint 10.96.0.3:80 by waypoint",
            1
        )]
    );
}
