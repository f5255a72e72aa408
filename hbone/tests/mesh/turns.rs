//! Whose turn it is, and whom nobody asks for a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hbone::mesh::{Candidate, Entropy, Shunned, Turns, Without, candidates, forward};
use proptest::prelude::*;

use crate::two_networks::{authority, service, workload};

fn candidate(index: usize, weight: u32) -> Candidate {
    let uid = format!("e/{index:03}");
    let workload = workload(&uid, "echo", &["10.0.0.1"], &[]);
    Candidate::new(
        "10.0.0.1:15008".parse().unwrap(),
        Arc::new(workload),
        weight,
    )
}

fn pods(weights: &[u32]) -> Vec<Candidate> {
    let weights = weights.iter().enumerate();
    weights
        .map(|(index, weight)| candidate(index, *weight))
        .collect()
}

/// A gateway that opens streams, each of which lasts for so many more.
struct World {
    turns: Turns,
    open: BTreeMap<Arc<str>, u64>,
    ends: Vec<(usize, Arc<str>)>,
    now: usize,
}

impl World {
    fn new() -> Self {
        Self {
            turns: Turns::new(),
            open: BTreeMap::new(),
            ends: Vec::new(),
            now: 0,
        }
    }

    /// Opens a stream; `lasting` says how long it is there.
    fn open(
        &mut self,
        pods: &[Candidate],
        entropy: u128,
        lasting: impl Fn(&str) -> usize,
    ) -> Arc<str> {
        let now = self.now;
        for (_, uid) in self.ends.extract_if(.., |(end, _)| *end <= now) {
            *self.open.get_mut(&uid).unwrap() -= 1;
        }
        let open = |pod: &Candidate| self.open.get(&pod.receiver.uid).copied().unwrap_or(0);
        let chosen = self
            .turns
            .choose(pods, open, Entropy::new(entropy))
            .unwrap();
        let uid = chosen.receiver.uid.clone();
        *self.open.entry(uid.clone()).or_default() += 1;
        self.ends.push((now + lasting(&uid), uid.clone()));
        self.now += 1;
        uid
    }
}

/// How many of 1,000 each got.
fn thousand(world: &mut World, pods: &[Candidate], lasting: impl Fn(&str) -> usize) -> Vec<usize> {
    let mut counts = vec![0; pods.len()];
    for step in 0..1_000_u128 {
        let uid = world.open(pods, step * 7_919, &lasting);
        counts[pods.iter().position(|pod| pod.receiver.uid == uid).unwrap()] += 1;
    }
    counts
}

#[test]
fn every_thousand_is_as_the_weights_say_also_with_one_slow_removed_and_added() {
    // [R54]
    let four = pods(&[1, 1, 2, 1]);
    let (three, two) = (&four[..3], [four[0].clone(), four[2].clone()]);
    let mut world = World::new();
    let near = |counts: Vec<usize>, expected: &[usize]| {
        for (count, expected) in counts.iter().zip(expected) {
            assert!(count.abs_diff(*expected) <= 25, "{counts:?} for {expected}");
        }
    };
    near(thousand(&mut world, three, |_| 20), &[250, 250, 500]);
    let slow = |uid: &str| if uid == "e/000" { 5_000 } else { 1 };
    near(thousand(&mut world, three, slow), &[250, 250, 500]);
    near(thousand(&mut world, &two, slow), &[333, 667]);
    near(thousand(&mut world, &four, |_| 20), &[200, 200, 400, 200]);
}

#[test]
fn the_least_loaded_goes_first_as_long_as_shares_allow() {
    // [R54]
    let two = pods(&[1, 1]);
    let mut turns = Turns::new();
    let busy = |pod: &Candidate| 200 + u64::from(*pod.receiver.uid == *"e/000");
    let first: Vec<bool> = (0..30)
        .map(|_| {
            *turns
                .choose(&two, busy, Entropy::new(0))
                .unwrap()
                .receiver
                .uid
                == *"e/000"
        })
        .collect();
    assert!(first[..15].iter().all(|busy| !busy), "{first:?}");
    assert!(
        first[15..].iter().any(|busy| *busy),
        "nobody starves: {first:?}"
    );
}

#[test]
fn where_few_are_open_the_load_pushes_nobody_far_and_the_tunnels_that_last_are_as_the_weights_say()
{
    // [R54]
    let pods = pods(&[1, 1, 2]);
    let mut world = World::new();
    // Where the tunnels to one pod are slow to end, the two dozen that were opened last are shared all the same.
    let lasting = |uid: &str| if uid == "e/000" { 200 } else { 1 };
    let chosen: Vec<Arc<str>> = (0..1_000_u128)
        .map(|step| world.open(&pods, step * 7_919, lasting))
        .collect();
    for (at, tunnels) in chosen.windows(24).enumerate() {
        for (pod, share) in pods.iter().zip([6_usize, 6, 12]) {
            let count = tunnels.iter().filter(|uid| **uid == pod.receiver.uid);
            let count = count.count();
            assert!(count.abs_diff(share) <= 3, "{count} of {share} from {at}");
        }
    }
}

#[test]
fn load_counts_by_weight() {
    // [R54]
    let pods = pods(&[1, 4]);
    let open = |pod: &Candidate| if pod.weight == 1 { 2 } else { 7 };
    let mut turns = Turns::new();
    let chosen = turns.choose(&pods, open, Entropy::new(0)).unwrap();
    assert_eq!(
        chosen.weight, 4,
        "7 of weight 4 are fewer than 2 of weight 1"
    );
}

#[test]
fn chance_decides_between_equals_and_nothing_between_none() {
    let pods = pods(&[1, 1, 1]);
    let first = |bits| {
        Turns::new()
            .choose(&pods, |_| 0, Entropy::new(bits))
            .unwrap()
            .receiver
            .uid
            .to_string()
    };
    assert_eq!([first(0), first(1), first(2)], ["e/000", "e/001", "e/002"]);
    assert_eq!(Turns::new().choose(&[], |_| 0, Entropy::new(0)), None);
}

#[test]
fn weight_zero_gets_nothing_unless_all_have_it() {
    // [R32]
    let counts = thousand(&mut World::new(), &pods(&[0, 1]), |_| 1_000);
    assert_eq!(counts, [0, 1_000]);
    let counts = thousand(&mut World::new(), &pods(&[0, 0]), |_| 1);
    assert_eq!(counts, [500, 500]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_load_nobody_is_far_from_its_share(
        weights in prop::collection::vec(1..50_u32, 1..12),
        loads in prop::collection::vec(0..1_000_u64, 12),
        bits in any::<u128>(),
    ) {
        let pods = pods(&weights);
        let total: u32 = weights.iter().sum();
        let mut turns = Turns::new();
        let mut got = vec![0_u32; pods.len()];
        for step in 1..=600_u32 {
            let open = |pod: &Candidate| loads[pod.receiver.uid[2..].parse::<usize>().unwrap()];
            let chosen = turns.choose(&pods, open, Entropy::new(bits.wrapping_mul(step.into()))).unwrap();
            got[chosen.receiver.uid[2..].parse::<usize>().unwrap()] += 1;
            for (got, weight) in got.iter().zip(&weights) {
                let share = f64::from(step) * f64::from(*weight) / f64::from(total);
                prop_assert!((f64::from(*got) - share).abs() < 12.0, "{got} of {share} after {step}");
            }
        }
    }
}

#[test]
fn who_does_not_answer_is_left_alone_for_longer_and_longer() {
    // [R55]
    let start = epoch();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let uid: Arc<str> = "e/000".into();
    let mut shunned = Shunned::new();
    assert!(!shunned.contains(&uid, start));
    let mut now = 0;
    for wait in [1, 2, 4, 8, 16, 30, 30] {
        shunned.handle_failed(&uid, at(now));
        shunned.handle_failed(&uid, at(now)); // begun before, costs nothing
        assert!(
            shunned.contains(&uid, at(now + wait) - Duration::from_millis(1)),
            "{wait}"
        );
        now += wait;
        assert!(!shunned.contains(&uid, at(now)), "{wait}");
    }
    shunned.handle_failed(&uid, at(now));
    shunned.handle_connected(&uid);
    assert!(!shunned.contains(&uid, at(now)));
    shunned.handle_failed(&uid, at(now));
    assert!(!shunned.contains(&uid, at(now + 1)), "it begins anew");
    shunned.retain(|_| false);
    assert!(!shunned.contains(&uid, at(now)));
}

#[test]
fn who_is_left_out_is_no_candidate_and_the_next_locality_follows() {
    // [R55]
    use hbone::mesh::{LoadBalancing, LoadBalancingMode, Locality, Scope, StaticMesh};
    let mut echo = service("echo.shop", &["e/10.96.0.1"], &[(80, 8080)]);
    echo.load_balancing = LoadBalancing::new(LoadBalancingMode::Failover, [Scope::Region]);
    let mut gateway = workload("e/gateway", "gateway", &["10.9.0.1"], &[]);
    gateway.locality = Locality::new("eu", "", "");
    let pod = |index: usize, region: &str| {
        let ip = format!("10.0.0.{}", index + 1);
        let mut pod = workload(&format!("e/{index:03}"), "echo", &[&ip], &["echo.shop"]);
        pod.protocol = hbone::mesh::Protocol::Hbone;
        pod.locality = Locality::new(region, "", "");
        pod
    };
    let mesh = StaticMesh::new(
        [gateway.clone(), pod(0, "eu"), pod(1, "eu"), pod(2, "us")],
        [echo],
    )
    .unwrap();
    let to = authority("echo.shop.svc.cluster.local:80");
    let uids = |left_out: &[&str]| {
        let is_out = |workload: &hbone::mesh::Workload| left_out.contains(&&*workload.uid);
        let without = Without::new(&mesh, &is_out);
        let found = candidates(&without, &gateway, &to, None).ok()?;
        Some(
            found
                .list
                .iter()
                .map(|one| one.receiver.uid.to_string())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(uids(&[]).unwrap(), ["e/000", "e/001"]);
    assert_eq!(uids(&["e/001"]).unwrap(), ["e/000"]);
    assert_eq!(uids(&["e/000", "e/001"]).unwrap(), ["e/002"]);
    assert_eq!(uids(&["e/000", "e/001", "e/002"]), None);
    let forwarded = forward(&mesh, &gateway, &to, None, Entropy::new(1)).unwrap();
    assert_eq!(*forwarded.receiver.uid, *"e/001");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one epoch of these tests; there is no other way to come by an Instant"
)]
fn epoch() -> Instant {
    Instant::now()
}
