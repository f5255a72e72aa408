//! What a caller sees of a peer's attributes, apart from the rules of reading them.

use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use baggage::{Baggage, Limits};

#[test]
fn what_is_written_is_read_back() {
    let peer = PeerAttributes::builder()
        .cluster("east")
        .namespace("bookinfo")
        .workload(WorkloadKind::Deployment, "productpage-v1")
        .service("productpage")
        .revision("v1")
        .app("productpage")
        .version("v1")
        .region("us-east-1")
        .zone("us-east-1a")
        .build();
    for dialect in [Dialect::Envoy, Dialect::Ztunnel, Dialect::W3c] {
        let mut header = String::new();
        peer.encode(dialect, &mut header);
        assert_eq!(
            PeerAttributes::parse([header.as_str()], &Limits::default()),
            Some(peer.clone()),
            "{header}"
        );
    }
}

#[cfg(feature = "http")]
#[test]
fn all_lines_of_a_message_are_read_and_one_is_written() {
    use http::{HeaderMap, HeaderValue};

    let mut headers = HeaderMap::new();
    assert_eq!(
        PeerAttributes::from_headers(&headers, &Limits::default()),
        None
    );
    assert!(
        Baggage::from_headers(&headers, &Limits::default())
            .baggage
            .to_header_value()
            .is_none()
    );
    headers.append("baggage", HeaderValue::from_static("user=a"));
    headers.append(
        "baggage",
        HeaderValue::from_bytes(b"x=\xe9,k8s.pod.name=p").unwrap(),
    );
    let peer = PeerAttributes::from_headers(&headers, &Limits::default()).unwrap();
    assert_eq!(
        peer.to_header_value(Dialect::Ztunnel).unwrap(),
        "k8s.pod.name=p"
    );
    let baggage = Baggage::from_headers(&headers, &Limits::default()).baggage;
    assert_eq!(baggage.to_header_value().unwrap(), "user=a,k8s.pod.name=p");
}

#[test]
fn equality_and_hash_go_by_meaning_and_copies_are_equal() {
    use std::collections::HashSet;

    let read =
        PeerAttributes::parse(["service.name=a%20b,k8s.pod.name=p"], &Limits::default()).unwrap();
    let built = PeerAttributes::builder()
        .app("a b")
        .service("a b")
        .workload(WorkloadKind::Pod, "p")
        .build();
    let set = HashSet::from([read.clone(), built, read]);
    assert_eq!(set.len(), 1);
}

#[cfg(feature = "http")]
#[test]
fn nothing_to_say_is_no_header_except_to_agentgateway() {
    let nobody = PeerAttributes::default();
    assert_eq!(nobody.to_header_value(Dialect::Ztunnel), None);
    assert_eq!(
        nobody.to_header_value(Dialect::Agentgateway).unwrap(),
        "k8s.cluster.name=,k8s.namespace.name=,k8s.deployment.name=,service.name=,service.version="
    );
}

#[test]
fn every_limit_cuts_a_peer_where_it_cuts_baggage() {
    let lines = [
        "k8s.cluster.name=east,k8s.namespace.name=bookinfo",
        "k8s.instance.name=productpage-v1-0,cloud.region=us-east-1,cloud.availability_zone=a",
    ];
    for limit in 0..=160 {
        for limits in [
            Limits::new().with_members(limit),
            Limits::new().with_bytes(limit),
            Limits::new().with_raw_bytes(limit),
        ] {
            let baggage = Baggage::parse(lines, &limits).baggage;
            let peer = PeerAttributes::parse(lines, &limits).unwrap_or_default();
            for (key, value) in [
                ("k8s.cluster.name", peer.cluster()),
                ("k8s.namespace.name", peer.namespace()),
                ("k8s.instance.name", peer.instance()),
                ("cloud.region", peer.region()),
                ("cloud.availability_zone", peer.zone()),
            ] {
                assert_eq!(value, baggage.get(key).as_deref(), "{key} in {limits:?}");
            }
        }
    }
}

#[test]
fn lines_that_begin_with_something_unusual_take_no_more_of_a_limit_than_they_are_long() {
    let lines = [
        "k8s.pod.name=a;p",
        "k8s.namespace.name=b;p",
        "service.name=c",
    ];
    let service = |bytes| {
        let limits = Limits::new().with_bytes(bytes);
        let peer = PeerAttributes::parse(lines, &limits)?;
        peer.service().map(ToOwned::to_owned)
    };
    let total = lines.join(",").len();
    assert_eq!(service(total).as_deref(), Some("c"));
    assert_eq!(service(total - 1), None);
}

#[cfg(feature = "serde")]
#[test]
fn what_is_written_by_hand_is_held_to_the_fields_there_are() {
    let read = |text| serde_json::from_str::<PeerAttributes>(text);
    let peer = read(r#"{"cluster": "east", "workload": "web", "workload_type": "deployment"}"#);
    let peer = peer.expect("attributes");
    assert_eq!(
        (peer.cluster(), peer.workload()),
        (Some("east"), Some("web"))
    );
    for (text, named) in [
        (r#"{"clusterId": "east"}"#, "`clusterId`"),
        (r#"{"cluster": "east", "Zone": "a"}"#, "`Zone`"),
        (r#"{"workload": "web"}"#, "`workload_type`"),
        (
            r#"{"workload": "web", "workload_type": "squad"}"#,
            "kind of workload",
        ),
        (r#"{"cluster": "east", "cluster": "west"}"#, "`cluster`"),
    ] {
        let error = read(text).expect_err("no attributes").to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
    for text in [
        r#"[{"key": "a", "value": "b", "propertys": []}]"#,
        r#"[{"key": "a", "value": "b", "properties": [{"key": "c", "val": "d"}]}]"#,
    ] {
        let error = serde_json::from_str::<Baggage>(text).expect_err("no members");
        assert!(
            error.to_string().contains("unknown field"),
            "{text}: {error}"
        );
    }
}
