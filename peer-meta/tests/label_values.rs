//! What a hostile value may and may not do to a label, and to the number of series.

mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use baggage::istio::{PeerAttributes, WorkloadKind};
use peer_meta::labels::{
    HttpLabels, HttpOutcome, LabelDialect, OTHER, Report, Reporter, SeriesGuard, Subject, TcpLabels,
};
use peer_meta::{Attributes, Claimed, Peer};
use spiffe::SpiffeId;

fn named(name: &str) -> Peer {
    let attributes = PeerAttributes::builder()
        .workload(WorkloadKind::Pod, name)
        .build();
    Peer::default().with_attributes(Attributes::Claimed(Claimed::new(attributes)))
}

fn labels_of(peer: &Peer, reporter: Reporter) -> TcpLabels {
    let nobody = Peer::default();
    let report = Report::new(reporter, Subject::peer(peer), Subject::peer(&nobody));
    TcpLabels::new(&report, LabelDialect::Ztunnel)
}

fn label(name: &str) -> String {
    labels_of(&named(name), Reporter::Destination)
        .get("source_workload")
        .unwrap()
        .to_owned()
}

// [142]
/// HBONE-B-010.
#[test]
fn row_142_what_could_disturb_a_metrics_endpoint_or_a_log_becomes_an_underscore() {
    assert_eq!(label("a\r\nb"), "a__b");
    assert_eq!(label("\u{1b}[31mred"), "__31mred");
    assert_eq!(label("a\u{0}b"), "a_b");
    assert_eq!(label("a\u{2028}b\u{2029}c"), "a_b_c");
    assert_eq!(label("evil\u{202e}txt.exe"), "evil_txt.exe");
    assert_eq!(label("a\u{85}b\u{7f}c"), "a_b_c");
    assert_eq!(label("x\",y=\"z"), "x_,y=_z");
    assert_eq!(label("back\\slash"), "back_slash");
    assert_eq!(label("<script>"), "_script_");
    assert_eq!(label("{a}"), "_a_");
}

#[test]
fn characters_that_look_like_others_become_underscores() {
    assert_eq!(label("p\u{430}yments"), "p_yments");
    assert_eq!(label("a\u{200b}b"), "a_b");
    assert_eq!(label("\u{fffd}"), "_");
}

#[test]
fn what_names_hosts_clusters_and_versions_hold_is_kept() {
    for value in [
        "productpage-v1",
        "arn:aws:eks:us-west-2:123456789012:cluster/shop_1",
        "v1.2.3+build.5~rc1",
        "user@host",
        "*.example.com",
        "a=b",
        "100%25",
    ] {
        assert_eq!(label(value), value);
    }
}

#[test]
fn a_value_of_any_length_is_cut_at_the_longest_name_of_kubernetes() {
    let longest = "x".repeat(253);
    assert_eq!(label(&longest), longest);
    assert_eq!(label(&"x".repeat(254)), longest);
    assert_eq!(label(&"x".repeat(8_000)), longest);
    assert_eq!(label(&"\u{1f600}".repeat(8_000)), "_".repeat(253));
}

#[test]
fn a_principal_is_never_cut_so_that_two_never_become_one() {
    let path = format!("/ns/{}/sa/{}", "n".repeat(900), "s".repeat(900));
    let id = SpiffeId::new(format!("spiffe://mesh{path}")).unwrap();
    let peer = Peer::from_tls(Some(Arc::new(id)));
    let labels = labels_of(&peer, Reporter::Destination);
    assert_eq!(
        labels.get("source_principal"),
        Some(format!("spiffe://mesh{path}").as_str())
    );
}

#[test]
fn the_longest_values_everywhere_still_fit_each_in_its_own_place() {
    let long = "x".repeat(8_192);
    let attributes = PeerAttributes::builder()
        .cluster(&long)
        .namespace(&long)
        .workload(WorkloadKind::Pod, &long)
        .service(&long)
        .revision(&long)
        .region(&long)
        .zone(&long)
        .build();
    let id = SpiffeId::new(format!("spiffe://mesh/ns/{}/sa/s", "n".repeat(2_020))).unwrap();
    let peer =
        Peer::from_tls(Some(Arc::new(id))).with_attributes(Attributes::Directory(attributes));
    let report = Report::new(
        Reporter::Waypoint,
        Subject::peer(&peer),
        Subject::peer(&peer),
    )
    .with_locality(true);
    let labels = HttpLabels::new(
        &report,
        HttpOutcome::Http { code: 200 },
        LabelDialect::Envoy,
    );
    assert_eq!(labels.get("destination_zone").map(str::len), Some(253));
    assert_eq!(
        labels.get("destination_principal").map(str::len),
        Some(2_042)
    );
    assert_eq!(labels.get("response_code"), Some("200"));
}

/// HBONE-O-002.
#[test]
fn an_empty_value_is_unknown() {
    assert_eq!(label(""), "unknown");
}

/// HBONE-O-004.
#[test]
fn the_two_thousand_and_first_series_is_folded_and_the_earlier_ones_are_not() {
    let mut guard = SeriesGuard::new();
    let mut series = BTreeSet::new();
    for at in 0..10_000 {
        let labels = labels_of(&named(&format!("w{at}")), Reporter::Destination);
        let admitted = guard.admit(labels.clone(), TcpLabels::folded);
        assert_eq!(admitted == labels, at < 2_000, "{at}");
        series.insert(admitted);
    }
    assert_eq!(series.len(), 2_001);
    assert_eq!(guard.len(), 2_000);
    let early = labels_of(&named("w7"), Reporter::Destination);
    assert_eq!(guard.admit(early.clone(), TcpLabels::folded), early);
}

#[test]
fn the_fold_keeps_the_reporter_and_says_other_of_the_rest() {
    let folded = labels_of(&named("w"), Reporter::Waypoint).folded();
    for (name, value) in folded.iter() {
        assert_eq!(
            value,
            if name == "reporter" {
                "waypoint"
            } else {
                OTHER
            },
            "{name}"
        );
    }
    assert_eq!(folded.unknown(), 0);
    assert_eq!(folded.folded(), folded);
}

#[test]
fn an_http_fold_has_no_response_code_of_its_own() {
    let (a, b) = (named("a"), named("b"));
    let fold = |peer, code| {
        let report = Report::new(Reporter::Source, Subject::peer(peer), Subject::peer(peer));
        HttpLabels::new(&report, HttpOutcome::Http { code }, LabelDialect::Envoy).folded()
    };
    assert_eq!(fold(&a, 200), fold(&b, 503));
}

#[test]
fn a_series_that_is_gone_makes_room_for_another() {
    let mut guard = SeriesGuard::with_cap(1);
    let [a, b] = ["a", "b"].map(|name| labels_of(&named(name), Reporter::Source));
    assert!(guard.is_empty());
    assert_eq!(guard.admit(a.clone(), TcpLabels::folded), a);
    assert_eq!(guard.admit(b.clone(), TcpLabels::folded), b.folded());
    guard.forget(&a);
    assert_eq!(guard.admit(b.clone(), TcpLabels::folded), b);
    assert_eq!(guard.admit(a.clone(), TcpLabels::folded), a.folded());
}

#[test]
fn a_guard_that_admits_nothing_folds_everything() {
    let mut guard = SeriesGuard::with_cap(0);
    let labels = labels_of(&named("a"), Reporter::Source);
    assert_eq!(
        guard.admit(labels.clone(), TcpLabels::folded),
        labels.folded()
    );
    assert!(guard.is_empty());
}

#[test]
fn one_peer_takes_no_more_than_its_share_and_leaves_room_for_the_others() {
    let mut guard = SeriesGuard::with_cap(10).with_share(3);
    let mut passed = |peer: &str, name: &str| {
        let labels = labels_of(&named(name), Reporter::Destination);
        guard.admit_from(peer, labels.clone(), TcpLabels::folded) == labels
    };
    for at in 0..100 {
        assert_eq!(passed("mallory", &format!("m{at}")), at < 3, "{at}");
    }
    assert!(passed("bob", "b0") && passed("bob", "b1"));
    assert!(passed("mallory", "m0"), "what passed keeps passing");
    assert!(
        passed("mallory", "b1"),
        "a series that is there costs nothing more"
    );
}

#[test]
fn the_shares_of_all_peers_together_are_within_the_cap() {
    let mut guard = SeriesGuard::with_cap(10).with_share(3);
    let mut passed = 0;
    for at in 0..100 {
        let labels = labels_of(&named(&format!("w{at}")), Reporter::Destination);
        let peer = format!("peer{at}");
        passed += usize::from(guard.admit_from(&peer, labels.clone(), TcpLabels::folded) == labels);
    }
    assert_eq!((passed, guard.len()), (10, 10));
}

#[test]
fn a_series_that_is_gone_gives_its_peer_back_its_share() {
    let mut guard = SeriesGuard::new().with_share(1);
    let [a, b] = ["a", "b"].map(|name| labels_of(&named(name), Reporter::Source));
    for _ in 0..3 {
        assert_eq!(guard.admit_from("p", a.clone(), TcpLabels::folded), a);
        assert_eq!(
            guard.admit_from("p", b.clone(), TcpLabels::folded),
            b.folded()
        );
        guard.forget(&b);
        assert_eq!(
            guard.admit_from("p", b.clone(), TcpLabels::folded),
            b.folded(),
            "it had not passed"
        );
        guard.forget(&a);
        assert!(guard.is_empty());
    }
}

#[test]
fn a_guard_that_has_forgotten_every_series_remembers_no_peer() {
    let mut guard = SeriesGuard::new().with_share(2);
    let new = format!("{guard:?}");
    let all = ["a", "b"].map(|name| labels_of(&named(name), Reporter::Source));
    for labels in &all {
        guard.admit_from("p", labels.clone(), TcpLabels::folded);
    }
    for labels in &all {
        guard.forget(labels);
    }
    assert_eq!(format!("{guard:?}"), new);
}

#[test]
fn of_two_series_that_a_peer_holds_one_that_is_gone_gives_back_one() {
    let mut guard = SeriesGuard::new().with_share(2);
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| labels_of(&named(name), Reporter::Source));
    for labels in [&a, &b] {
        assert_eq!(
            &guard.admit_from("p", labels.clone(), TcpLabels::folded),
            labels
        );
    }
    guard.forget(&a);
    assert_eq!(guard.admit_from("p", c.clone(), TcpLabels::folded), c);
    assert_eq!(
        guard.admit_from("p", d.clone(), TcpLabels::folded),
        d.folded()
    );
}
