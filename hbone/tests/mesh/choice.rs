//! Which endpoint is chosen, how often, and from how far.

use std::collections::BTreeMap;

use hbone::mesh::{
    AddressFamilies, Endpoint, Entropy, GatewayAddress, Health, HealthPolicy, LoadBalancing,
    LoadBalancingMode, Locality, Plan, Ports, Scope, Service, Source, StaticMesh, Workload, plan,
};
use proptest::prelude::*;

use crate::two_networks::{authority, name, service, workload};

/// A service `echo` of these endpoints.
fn echo(endpoints: Vec<Workload>, balancing: LoadBalancing) -> StaticMesh {
    let mut service = service("echo.shop", &["e/10.96.0.1"], &[(80, 8080)]);
    service.load_balancing = balancing;
    StaticMesh::new(endpoints, [service]).unwrap()
}

fn endpoint(index: usize, weight: u32) -> Workload {
    let ip = format!("10.0.{}.{}", index / 250, index % 250 + 1);
    let mut endpoint = workload(&format!("e/{index:03}"), "echo", &[&ip], &["echo.shop"]);
    endpoint.capacity = weight;
    endpoint
}

fn weighted(weights: &[u32]) -> Vec<Workload> {
    let weights = weights.iter().enumerate();
    weights
        .map(|(index, weight)| endpoint(index, *weight))
        .collect()
}

fn source() -> Workload {
    let mut source = workload("e/client", "client", &["10.9.0.1"], &[]);
    source.locality = Locality::new("eu", "a", "1");
    source.node = "n1".into();
    source.cluster = "c1".into();
    source
}

fn chosen(mesh: &StaticMesh, entropy: u128) -> Option<Plan> {
    let source = source();
    let to = authority("10.96.0.1:80");
    plan(
        mesh,
        Source::node_proxy(&source),
        &to,
        Entropy::new(entropy),
    )
    .ok()
}

/// How often each endpoint is chosen by `count` consecutive entropies from `start`.
fn sweep(mesh: &StaticMesh, start: u128, count: u128) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for entropy in start..start + count {
        let receiver = chosen(mesh, entropy).unwrap().receiver.unwrap();
        *counts.entry(receiver.uid.to_string()).or_default() += 1;
    }
    counts
}

fn uids<'a>(entries: impl IntoIterator<Item = (&'a str, u32)>) -> BTreeMap<String, u32> {
    let entries = entries.into_iter();
    entries
        .map(|(uid, count)| (uid.to_owned(), count))
        .collect()
}

#[test]
fn a_sweep_gives_every_endpoint_exactly_its_weight() {
    // [R31]
    let mesh = echo(weighted(&[1, 2, 3, 10]), LoadBalancing::default());
    let expected = uids([("e/000", 1), ("e/001", 2), ("e/002", 3), ("e/003", 10)]);
    assert_eq!(sweep(&mesh, 0, 16), expected);
    assert_eq!(sweep(&mesh, 7, 16), expected);
    assert_eq!(sweep(&mesh, u128::from(u64::MAX) * 16, 16), expected);
}

#[test]
fn the_choices_of_one_plan_are_independent() {
    // [R31]: two instances of a gateway, weights 1 and 3; three stand-ins, weights 1, 1 and 2; so that neither total
    // divides the work of the other
    let mut workloads: Vec<_> = weighted(&[1, 1, 2])
        .into_iter()
        .map(|mut stand_in| {
            stand_in.network = "west".parse().unwrap();
            stand_in.network_gateway = Some(GatewayAddress::named(name("gateway.west")));
            stand_in
        })
        .collect();
    for (uid, ip, weight) in [("west/g1", "192.0.2.1", 1), ("west/g2", "192.0.2.2", 3)] {
        let mut gateway = workload(uid, "gateway", &[ip], &["gateway.west"]);
        gateway.capacity = weight;
        workloads.push(gateway);
    }
    let mut echo = service("echo.shop", &["e/10.96.0.1"], &[(80, 8080)]);
    echo.identities = [source().identity].into_iter().collect();
    let gateway = service("gateway.west", &[], &[]);
    let mesh = StaticMesh::new(workloads, [echo, gateway]).unwrap();

    let mut counts = BTreeMap::new();
    for entropy in 0..16 {
        let plan = chosen(&mesh, entropy).unwrap();
        let pair = (
            plan.receiver.unwrap().uid.to_string(),
            plan.address.ip().to_string(),
        );
        *counts.entry(pair).or_default() += 1;
    }
    let pair = |uid: &str, ip: &str| (uid.to_owned(), ip.to_owned());
    let expected = [
        (pair("e/000", "192.0.2.1"), 1),
        (pair("e/000", "192.0.2.2"), 3),
        (pair("e/001", "192.0.2.1"), 1),
        (pair("e/001", "192.0.2.2"), 3),
        (pair("e/002", "192.0.2.1"), 2),
        (pair("e/002", "192.0.2.2"), 6),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn equal_entropy_gives_equal_plans() {
    let mesh = echo(weighted(&[3, 1, 4, 1, 5]), LoadBalancing::default());
    for entropy in [0, 1, 13, u128::MAX] {
        assert_eq!(chosen(&mesh, entropy), chosen(&mesh.clone(), entropy));
    }
}

#[test]
fn weight_0_is_never_chosen_unless_all_are_0() {
    // [R32]
    let mesh = echo(weighted(&[0, 2, 0]), LoadBalancing::default());
    assert_eq!(sweep(&mesh, 0, 10), uids([("e/001", 10)]));
    let mesh = echo(weighted(&[0, 0, 0]), LoadBalancing::default());
    assert_eq!(
        sweep(&mesh, 0, 9),
        uids([("e/000", 3), ("e/001", 3), ("e/002", 3)])
    );
}

#[test]
fn weight_0_nearby_does_not_hold_traffic_that_others_can_take() {
    // [R32], [R34]
    let mut endpoints = weighted(&[0, 1]);
    endpoints[0].node = "n1".into();
    let failover = LoadBalancing::new(LoadBalancingMode::Failover, [Scope::Node]);
    assert_eq!(
        sweep(&echo(endpoints, failover), 0, 4),
        uids([("e/001", 4)])
    );
}

#[test]
fn the_largest_weights_do_not_overflow() {
    let mesh = echo(weighted(&[u32::MAX; 300]), LoadBalancing::default());
    for entropy in [0, 1, u128::MAX / 2, u128::MAX] {
        assert!(chosen(&mesh, entropy).is_some());
    }
}

#[test]
fn unhealthy_endpoints_are_skipped_unless_the_service_allows_all() {
    // [R33]
    let endpoints = || {
        let mut endpoints = weighted(&[1, 1]);
        endpoints[0].health = Health::Unhealthy;
        endpoints
    };
    let mesh = echo(endpoints(), LoadBalancing::default());
    assert_eq!(sweep(&mesh, 0, 6), uids([("e/001", 6)]));
    let mut all = LoadBalancing::default();
    all.health = HealthPolicy::AllowAll;
    let mesh = echo(endpoints(), all);
    assert_eq!(sweep(&mesh, 0, 6), uids([("e/000", 3), ("e/001", 3)]));
}

#[test]
fn endpoints_without_an_address_of_the_services_families_are_skipped() {
    // [R30], [R35]
    let mut endpoints = weighted(&[1, 1]);
    endpoints[1].addresses.push("fd00::2".parse().unwrap());
    let mut service = service("echo.shop", &["e/10.96.0.1"], &[(80, 8080)]);
    service.families = AddressFamilies::V6;
    let mesh = StaticMesh::new(endpoints, [service]).unwrap();
    assert_eq!(sweep(&mesh, 0, 4), uids([("e/001", 4)]));
}

/// Endpoints at four distances from the source: same zone, same region, elsewhere, and in another region's zone of the
/// same name.
fn spread_out() -> Vec<Workload> {
    let mut endpoints = weighted(&[1, 1, 1, 1]);
    let localities = [("eu", "a"), ("eu", "b"), ("us", "c"), ("us", "a")];
    for (endpoint, (region, zone)) in endpoints.iter_mut().zip(localities) {
        endpoint.locality = Locality::new(region, zone, "1");
    }
    endpoints
}

#[test]
fn failover_takes_the_nearest_and_goes_further_only_when_none_is_left() {
    // [R34]
    let failover = || LoadBalancing::new(LoadBalancingMode::Failover, [Scope::Region, Scope::Zone]);
    let mut endpoints = spread_out();
    assert_eq!(
        sweep(&echo(endpoints.clone(), failover()), 0, 8),
        uids([("e/000", 8)])
    );
    endpoints[0].health = Health::Unhealthy;
    assert_eq!(
        sweep(&echo(endpoints.clone(), failover()), 0, 8),
        uids([("e/001", 8)])
    );
    endpoints[1].health = Health::Unhealthy;
    // the zone "a" of another region is no nearer than "c": its region went first
    assert_eq!(
        sweep(&echo(endpoints, failover()), 0, 8),
        uids([("e/002", 4), ("e/003", 4)])
    );
}

#[test]
fn strict_takes_only_what_shares_everything() {
    // [R34], [R24]
    let strict = || LoadBalancing::new(LoadBalancingMode::Strict, [Scope::Region, Scope::Zone]);
    let mut endpoints = spread_out();
    assert_eq!(
        sweep(&echo(endpoints.clone(), strict()), 0, 8),
        uids([("e/000", 8)])
    );
    endpoints[0].health = Health::Unhealthy;
    assert_eq!(chosen(&echo(endpoints, strict()), 0), None);
}

#[test]
fn standard_ignores_distance() {
    // [R34]
    let standard = LoadBalancing::new(LoadBalancingMode::Standard, [Scope::Region]);
    assert_eq!(sweep(&echo(spread_out(), standard), 0, 8).len(), 4);
}

#[test]
fn every_scope_compares_its_own_part() {
    // [R34]
    let mut same = source();
    same.uid = "e/other".into();
    type Change = fn(&mut Workload);
    let scopes: [(Scope, Change); 6] = [
        (Scope::Cluster, |workload| workload.cluster = "c2".into()),
        (Scope::Network, |workload| {
            workload.network = "west".parse().unwrap()
        }),
        (Scope::Node, |workload| workload.node = "n2".into()),
        (Scope::Region, |workload| {
            workload.locality.region = "us".into()
        }),
        (Scope::Subzone, |workload| {
            workload.locality.subzone = "2".into()
        }),
        (Scope::Zone, |workload| workload.locality.zone = "b".into()),
    ];
    for (changed, change) in scopes {
        let mut other = same.clone();
        change(&mut other);
        for (scope, _) in scopes {
            assert_eq!(
                scope.shared(&source(), &other),
                scope != changed,
                "{scope:?}"
            );
        }
    }
}

/// The rules of docs/routing.md, section 3, written down a second time and naively: the candidates, each as often as its
/// weight says.
fn candidates(endpoints: &[Endpoint], service: &Service, source: &Workload) -> Vec<String> {
    let rank = |endpoint: &Endpoint| {
        let wanted = &service.load_balancing.preferences;
        let mut rank = 0;
        while rank < wanted.len() && wanted[rank].shared(source, &endpoint.workload) {
            rank += 1;
        }
        rank
    };
    let mut fit = Vec::new();
    for endpoint in endpoints {
        let healthy = endpoint.health == Health::Healthy;
        let allowed = service.load_balancing.health == HealthPolicy::AllowAll;
        let strict = service.load_balancing.mode == LoadBalancingMode::Strict;
        let near = rank(endpoint) == service.load_balancing.preferences.len();
        if (healthy || allowed) && (near || !strict) {
            fit.push(endpoint);
        }
    }
    if fit.iter().any(|endpoint| endpoint.weight != 0) {
        fit.retain(|endpoint| endpoint.weight != 0);
    }
    if service.load_balancing.mode == LoadBalancingMode::Failover {
        for best in (0..=service.load_balancing.preferences.len()).rev() {
            if fit.iter().any(|endpoint| rank(endpoint) == best) {
                fit.retain(|endpoint| rank(endpoint) == best);
                break;
            }
        }
    }
    let tickets = fit.iter().flat_map(|endpoint| {
        let uid = endpoint.workload.uid.to_string();
        std::iter::repeat_n(uid, endpoint.weight.max(1) as usize)
    });
    tickets.collect()
}

fn any_endpoint() -> impl Strategy<Value = (u32, bool, usize, usize, usize)> {
    (0..4_u32, any::<bool>(), 0..2_usize, 0..2_usize, 0..2_usize)
}

fn any_balancing() -> impl Strategy<Value = LoadBalancing> {
    let mode = prop_oneof![
        Just(LoadBalancingMode::Standard),
        Just(LoadBalancingMode::Failover),
        Just(LoadBalancingMode::Strict)
    ];
    let scopes = [Scope::Region, Scope::Zone, Scope::Node, Scope::Cluster];
    let preferences = proptest::sample::subsequence(scopes.to_vec(), 0..=4).prop_shuffle();
    (mode, preferences, any::<bool>()).prop_map(|(mode, preferences, all)| {
        let mut balancing = LoadBalancing::new(mode, preferences);
        if all {
            balancing.health = HealthPolicy::AllowAll;
        }
        balancing
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_choice_is_that_of_the_rules_written_down_naively(
        endpoints in proptest::collection::vec(any_endpoint(), 0..8),
        balancing in any_balancing(),
    ) {
        let mut workloads = Vec::new();
        for (index, (weight, healthy, region, zone, node)) in endpoints.into_iter().enumerate() {
            let mut endpoint = endpoint(index, weight);
            endpoint.health = if healthy { Health::Healthy } else { Health::Unhealthy };
            endpoint.locality = Locality::new(["eu", "us"][region], ["a", "b"][zone], "1");
            endpoint.node = ["n1", "n2"][node].into();
            workloads.push(endpoint);
        }
        let mesh = echo(workloads.clone(), balancing.clone());
        let mut service = service("echo.shop", &[], &[]);
        service.load_balancing = balancing;
        let endpoints: Vec<_> = workloads
            .into_iter()
            .map(|workload| Endpoint::new(workload.into(), Ports::default()))
            .collect();
        let tickets = candidates(&endpoints, &service, &source());
        if tickets.is_empty() {
            prop_assert_eq!(chosen(&mesh, 0), None);
        } else {
            let mut expected: BTreeMap<String, u32> = BTreeMap::new();
            for ticket in &tickets {
                *expected.entry(ticket.clone()).or_default() += 1;
            }
            prop_assert_eq!(sweep(&mesh, 1000, tickets.len() as u128), expected);
        }
    }
}
