//! How much is allocated: nothing to look at a header, little to keep it, and a bounded amount whatever it holds.

use allocation_counter::{AllocationInfo, measure};
use baggage::istio::{Dialect, PeerAttributes, PeerAttributesRef};
use baggage::{Baggage, Limits, Members};
use proptest::prelude::*;

const HEADER: &str = "k8s.cluster.name=cluster-east-1,k8s.namespace.name=bookinfo,k8s.deployment.name=productpage-v1,\
    service.name=productpage,service.version=v1,cloud.region=us-east-1,cloud.availability_zone=us-east-1a";

#[test]
fn the_benchmarked_header_has_196_bytes() {
    assert_eq!(HEADER.len(), 196);
}

#[test]
fn iterating_allocates_nothing_whatever_the_octets() {
    let hostile = b"a=1;p=%zz;q , b=\xff, =,,;;;,%,k = v ;p = %41";
    let used = measure(|| {
        for line in [HEADER.as_bytes(), hostile] {
            for member in Members::new([line], &Limits::new()).flatten() {
                assert!(!member.key().is_empty() && member.properties().count() < 9);
            }
            assert!(Members::strict([line], &Limits::new()).count() > 0);
        }
    });
    assert_eq!(used.count_total, 0);
}

#[test]
fn a_borrowed_peer_allocates_nothing() {
    let used = measure(|| {
        let peer = PeerAttributesRef::parse([HEADER], &Limits::new()).unwrap();
        assert_eq!(peer.zone().as_deref(), Some("us-east-1a"));
    });
    assert_eq!(used.count_total, 0);
}

#[test]
fn an_owned_peer_takes_two_allocations_and_a_copy_none() {
    let used = measure(|| drop(PeerAttributes::parse([HEADER], &Limits::new())));
    assert!(used.count_total <= 2, "{used:?}");
    let peer = PeerAttributes::parse([HEADER], &Limits::new()).unwrap();
    assert_eq!(measure(|| drop(peer.clone())).count_total, 0);
}

#[test]
fn writing_a_peer_takes_one_allocation_in_every_dialect() {
    let plain = PeerAttributes::parse([HEADER], &Limits::new()).unwrap();
    let escaped = PeerAttributes::builder()
        .cluster("Östlich %=,")
        .app("\n")
        .build();
    for dialect in [
        Dialect::Agentgateway,
        Dialect::Envoy,
        Dialect::Ztunnel,
        Dialect::W3c,
    ] {
        for peer in [&plain, &escaped] {
            let used = measure(|| {
                let mut header = String::new();
                peer.encode(dialect, &mut header);
                assert_eq!(header.capacity(), header.len());
            });
            assert!(used.count_total <= 1, "{dialect:?} {used:?}");
        }
    }
}

#[test]
fn owned_baggage_takes_one_allocation() {
    assert_eq!(
        measure(|| drop(Baggage::parse([HEADER], &Limits::new()))).count_total,
        1
    );
    let baggage = Baggage::parse([HEADER], &Limits::new()).baggage;
    let mut header = String::with_capacity(HEADER.len());
    assert_eq!(
        measure(|| assert_eq!(baggage.encode(&Limits::new(), &mut header), 0)).count_total,
        0
    );
}

#[test]
fn baggage_that_just_fits_is_written_without_allocation() {
    let baggage = Baggage::parse([HEADER], &Limits::new()).baggage;
    let mut header = String::with_capacity(HEADER.len());
    for limits in [
        Limits::new().with_members(baggage.len()),
        Limits::new().with_bytes(HEADER.len()),
    ] {
        header.clear();
        let used = measure(|| assert_eq!(baggage.encode(&limits, &mut header), 0));
        assert_eq!((header.as_str(), used.count_total), (HEADER, 0));
    }
}

#[test]
fn a_member_that_just_fits_what_was_allocated_takes_no_other_allocation() {
    // Room is made for all that follows the first member and its comma: eight octets are left for the second, with a comma.
    let lines = ["k=v,,,,,,,,", "l=wwwww,,"];
    let used = measure(|| assert_eq!(Baggage::parse(lines, &Limits::new()).baggage.len(), 2));
    assert_eq!(used.count_total, 1);
}

#[test]
fn the_worst_octets_take_less_than_four_times_the_raw_cap() {
    for piece in [
        ",", "=", ";", "%", "a=,", "a,", "k=v;", "k=v;p,", "k=%,", "k=%FF,", "\u{fffd}", "k= ,",
    ] {
        for prefix in ["", "k=", "k=v;"] {
            let line = [prefix, &piece.repeat(64 * 1024 / piece.len())].concat();
            assert_bounded(
                &measure(|| drop(Baggage::parse([&line], &Limits::new()))),
                &line,
            );
            let lines: Vec<&str> = line.split(',').collect();
            assert_bounded(
                &measure(|| drop(Baggage::parse(lines, &Limits::new()))),
                &line,
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_take_less_than_four_times_the_raw_cap(line in prop::collection::vec(any::<u8>(), 0..40_000)) {
        assert_bounded(&measure(|| drop(Baggage::parse([&line], &Limits::new()))), "random");
    }
}

fn assert_bounded(used: &AllocationInfo, what: &str) {
    let limit = 4 * Limits::new().raw_bytes() as u64;
    assert!(
        used.bytes_total <= limit,
        "{used:?} for {:?}",
        what.get(..16)
    );
}
