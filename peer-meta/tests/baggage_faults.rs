//! What bad baggage does to an exchange: nothing but lose what was bad in it. The rows are those of `docs/faults.md`.

mod world;

use std::sync::Arc;

use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use http::HeaderValue;
use peer_meta::labels::{LabelDialect, Report, TcpLabels};
use peer_meta::{Exchange, ExchangeConfig, Hop, Own, Peer, Role};
use proptest::prelude::*;
use world::{epoch, id, ip, own};

/// A destination that was told these lines, from another network, so that nothing else can tell who it is.
fn told(lines: &[&[u8]]) -> Exchange {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| HeaderValue::from_bytes(line).unwrap())
        .collect();
    let own = own("own", "c1", "here");
    let mut exchange = Exchange::new(
        Role::DestinationNodeProxy,
        &ExchangeConfig::new(),
        own,
        epoch(),
    );
    exchange.handle_accepted(Some(id("peer")));
    exchange.handle_request(ip("10.0.0.1"), Some(b"there"), &lines);
    assert!(exchange.is_settled(), "bad baggage never holds a tunnel up");
    assert_eq!(exchange.downstream().identity(), Some(&*id("peer")));
    exchange
}

fn peer(lines: &[&[u8]]) -> Peer {
    told(lines).downstream().clone()
}

fn namespace(line: &[u8]) -> Option<String> {
    peer(&[line])
        .for_telemetry()?
        .namespace()
        .map(ToOwned::to_owned)
}

// [139]
#[test]
fn row_139_of_64_kib_the_members_within_the_limit_are_read() {
    let filler = "x=".to_owned() + &"y".repeat(98) + ",";
    let huge =
        "k8s.namespace.name=first,".to_owned() + &filler.repeat(650) + "k8s.cluster.name=last";
    assert!(huge.len() > 64 * 1024);
    let peer = peer(&[huge.as_bytes()]);
    let known = peer.for_telemetry().unwrap();
    assert_eq!(known.namespace(), Some("first"));
    assert_eq!(known.cluster(), None, "beyond the limit");
}

// [140]
#[test]
fn row_140_of_a_key_twice_the_last_wins_over_all_lines_as_with_ztunnel() {
    assert_eq!(
        namespace(b"k8s.namespace.name=a,k8s.namespace.name=b").as_deref(),
        Some("b")
    );
    let two: [&[u8]; 2] = [b"k8s.namespace.name=a", b"k8s.namespace.name=b"];
    assert_eq!(
        peer(&two).for_telemetry().unwrap().namespace(),
        Some("b"),
        "Envoy would read the first line only"
    );
    let kinds = peer(&[b"k8s.job.name=a,k8s.pod.name=b"]);
    let known = kinds.for_telemetry().unwrap();
    assert_eq!(
        (known.workload(), known.workload_kind()),
        (Some("b"), Some(WorkloadKind::Pod))
    );
}

// [141]
#[test]
fn row_141_a_bad_member_is_skipped_and_the_good_ones_stay() {
    for bad in [
        &b"a"[..],
        b"=b",
        b"",
        b",,",
        b" ",
        b"k8s.cluster.name=\"q\"",
        b"k8s.cluster.name=a b",
        b"k8s.cluster.name=\xff",
        b"k8s.cluster.name=\xc3\xa9",
        b"k8s cluster=x",
        b"k8s.cluster.name=a;p=\"",
        b"k8s.cluster.name",
    ] {
        let line = [bad, b",k8s.namespace.name=good"].concat();
        assert_eq!(namespace(&line).as_deref(), Some("good"), "{bad:?}");
        let line = [b"k8s.namespace.name=good,", bad].concat();
        let peer = peer(&[&line]);
        let known = peer.for_telemetry().unwrap();
        assert_eq!(
            (known.namespace(), known.cluster()),
            (Some("good"), None),
            "{bad:?}"
        );
    }
}

// [141]
#[test]
fn row_141_a_value_is_read_as_w3c_has_it() {
    for (value, read) in [
        (&b"a=b=c"[..], Some("a=b=c")),
        (b"", None),
        (b" a\t", Some("a")),
        (b"a;ttl=5", Some("a")),
        (b"a%2Cb", Some("a,b")),
        (b"a%zz", Some("a%zz")),
        (b"a%ffb", Some("a\u{fffd}b")),
        (b"a%00b", Some("a\u{0}b")),
    ] {
        assert_eq!(
            namespace(&[b"k8s.namespace.name=", value].concat()).as_deref(),
            read,
            "{value:?}"
        );
    }
    assert_eq!(
        namespace(b"\tk8s.namespace.name \t=\ta").as_deref(),
        Some("a")
    );
    assert_eq!(
        namespace(b"k8s.namespace%2Ename=a"),
        None,
        "a key is never decoded"
    );
}

// [142]
#[test]
fn row_142_what_is_decoded_is_data_clean_in_labels_and_encoded_again_in_headers() {
    let exchange = told(&[b"k8s.namespace.name=a%0d%0ax-evil:%201%1b%5b31m%E2%80%AE"]);
    let known = exchange.downstream().for_telemetry().unwrap();
    assert_eq!(known.namespace(), Some("a\r\nx-evil: 1\u{1b}[31m\u{202e}"));
    let labels = TcpLabels::new(&Report::of(&exchange), LabelDialect::Ztunnel);
    assert_eq!(
        labels.get("source_workload_namespace"),
        Some("a__x-evil:_1__31m_")
    );
    let forwarded = Own::new(known.clone(), Dialect::W3c, "here");
    let header = forwarded.baggage().unwrap().to_str().unwrap();
    assert!(
        header.bytes().all(|byte| byte.is_ascii_graphic()),
        "{header}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    // [143]
    #[test]
    fn row_143_any_text_told_by_one_end_is_read_whole_by_the_other(
        cluster in "\\PC{1,20}",
        namespace in "[\\x00-\\x7f]{1,20}",
        workload in any::<String>().prop_filter("a name", |name| !name.is_empty() && name.len() < 500),
    ) {
        let attributes = PeerAttributes::builder()
            .cluster(&cluster)
            .namespace(&namespace)
            .workload(WorkloadKind::Job, &workload)
            .build();
        for dialect in [Dialect::Ztunnel, Dialect::Envoy, Dialect::W3c] {
            let own = Arc::new(Own::new(attributes.clone(), dialect, "there"));
            let source = Exchange::new(Role::SourceNodeProxy, &ExchangeConfig::new(), own, epoch());
            let header = source.request_baggage(Hop::Inner).unwrap();
            let peer = peer(&[header.as_bytes()]);
            prop_assert_eq!(peer.for_telemetry(), Some(&attributes));
        }
    }
}
