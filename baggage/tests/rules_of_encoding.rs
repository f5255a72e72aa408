//! E1 to E6 of docs/baggage.md, and the hazards that they answer.

mod support;

use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use baggage::{Baggage, EncodeError, Limits};

#[test]
fn e1_a_key_that_is_no_token_is_an_error_and_changes_nothing() {
    let mut baggage = Baggage::new();
    baggage.push("a", "1").unwrap();
    for key in [
        "", " ", "a b", "a=b", "a,b", "é", "\"x\"", "a/b", "a;", "a\n", "a\0",
    ] {
        assert_eq!(
            baggage.push(key, "v"),
            Err(EncodeError::InvalidKey { key: key.into() })
        );
        let error = baggage
            .push_with_properties("k", "v", [("p", None), (key, Some("x"))])
            .unwrap_err();
        assert_eq!(error.as_str(), "invalid_property");
        assert_eq!(baggage.set(key, "v").unwrap_err().as_str(), "invalid_key");
        assert_eq!(baggage.to_string(), "a=1");
    }
    assert_eq!(baggage.push("!#$%&'*+-.^_`|~09AZaz", ""), Ok(()));
}

#[test]
fn e2_exactly_what_must_be_escaped_is_escaped_with_upper_case_digits() {
    for byte in 0..=127_u8 {
        let character = char::from(byte);
        let mut baggage = Baggage::new();
        baggage.push("k", &character.to_string()).unwrap();
        let raw = byte.is_ascii_graphic() && !b"\"%,;=\\".contains(&byte);
        let expected = if raw {
            format!("k={character}")
        } else {
            format!("k=%{byte:02X}")
        };
        assert_eq!(baggage.to_string(), expected);
    }
    let mut baggage = Baggage::new();
    baggage
        .push_with_properties("k", "🚀", [("p", Some("é,")), ("q", None), ("r", Some(""))])
        .unwrap();
    assert_eq!(baggage.to_string(), "k=%F0%9F%9A%80;p=%C3%A9%2C;q;r=");
}

#[test]
fn e3_equals_signs_in_values_are_escaped_for_those_who_split_at_every_one() {
    let mut baggage = Baggage::new();
    baggage
        .push_with_properties("k", "a=b", [("p", Some("="))])
        .unwrap();
    assert_eq!(baggage.to_string(), "k=a%3Db;p=%3D");
}

#[test]
fn e4_one_line_without_white_space_trailing_comma_or_empty_property() {
    let baggage = support::parse(" k = v ; ; p = 1 ;\t,, bad,\n z\t=\t1 ,").baggage;
    assert_eq!(baggage.to_string(), "k=v;p=1,z=1");
}

#[test]
fn e5_limits_are_measured_on_the_encoded_text() {
    let mut baggage = Baggage::with_limits(Limits::new().with_bytes(10).with_members(3));
    assert_eq!(
        baggage.push("k", "   ").unwrap_err(),
        EncodeError::TooLarge {
            key: "k".into(),
            limit: 10
        }
    );
    baggage.push("a", "\u{e9}").unwrap();
    assert_eq!(baggage.to_string().len(), 8);
    assert_eq!(baggage.push("b", "").unwrap_err().as_str(), "too_large");
    baggage.remove("a");
    for key in ["a", "b", "c"] {
        baggage.push(key, "").unwrap();
    }
    assert_eq!(
        baggage.push("d", "").unwrap_err(),
        EncodeError::TooManyMembers {
            key: "d".into(),
            limit: 3
        }
    );
    assert_eq!(baggage.to_string(), "a=,b=,c=");
}

#[test]
fn e5_what_grows_when_it_is_sent_on_is_left_out_as_a_whole() {
    let line = format!("a=1,k=%{},z=2", "%".repeat(4000));
    let parsed = support::parse(&line);
    assert_eq!(
        (parsed.baggage.len(), parsed.truncated),
        (3, None),
        "it is 4002 bytes as received"
    );
    let mut header = String::from("already here:");
    assert_eq!(parsed.baggage.encode(&Limits::new(), &mut header), 1);
    assert_eq!(header, "already here:a=1,z=2");
    assert_eq!(parsed.baggage.to_string().len(), line.len() + 2 * 4001);
    let mut baggage = parsed.baggage;
    assert_eq!(baggage.push("y", "").unwrap_err().as_str(), "too_large");
}

#[test]
fn e5_members_and_bytes_of_a_smaller_limit_are_kept() {
    let baggage = support::parse("aaaa=1,b=2,c=3,d=4").baggage;
    let encode = |limits: &Limits| {
        let mut header = String::new();
        (baggage.encode(limits, &mut header), header)
    };
    assert_eq!(
        encode(&Limits::new().with_members(2)),
        (2, "aaaa=1,b=2".into())
    );
    assert_eq!(encode(&Limits::new().with_bytes(7)), (3, "aaaa=1".into()));
    assert_eq!(
        encode(&Limits::new().with_bytes(5)),
        (3, "b=2".into()),
        "the one that does not fit is skipped"
    );
}

#[test]
fn e6_nothing_to_send_is_no_header() {
    let mut header = String::new();
    assert_eq!(Baggage::new().encode(&Limits::new(), &mut header), 0);
    PeerAttributes::default().encode(Dialect::W3c, &mut header);
    assert_eq!(header, "");
}

#[test]
fn a_percent_sign_that_escapes_nothing_is_sent_on_escaped_and_everything_else_as_it_came() {
    let baggage = support::parse("a=%c3%a9;p=%, b=100%,c=%zz%41=,d=%FF").baggage;
    assert_eq!(
        baggage.to_string(),
        "a=%c3%a9;p=%25,b=100%25,c=%25zz%41=,d=%FF"
    );
}

#[test]
fn each_dialect_writes_its_own_keys_in_its_own_order() {
    let peer = PeerAttributes::builder()
        .cluster("c")
        .namespace("n")
        .workload(WorkloadKind::CronJob, "w")
        .service("s")
        .revision("r")
        .app("a")
        .version("v")
        .instance("i")
        .region("re")
        .zone("zo")
        .build();
    let cases = [
        (
            Dialect::Agentgateway,
            "k8s.cluster.name=c,k8s.namespace.name=n,k8s.deployment.name=w,service.name=s,service.version=r",
        ),
        (
            Dialect::Envoy,
            "k8s.cronjob.name=w,service.name=s,app.name=a,service.version=r,app.version=v,k8s.namespace.name=n,\
             k8s.cluster.name=c,k8s.instance.name=i,cloud.region=re,cloud.availability_zone=zo",
        ),
        (
            Dialect::Ztunnel,
            "k8s.cluster.name=c,k8s.namespace.name=n,k8s.cronjob.name=w,service.name=s,service.version=r,cloud.region=re,\
             cloud.availability_zone=zo",
        ),
        (
            Dialect::W3c,
            "k8s.cluster.name=c,k8s.namespace.name=n,k8s.cronjob.name=w,service.name=s,service.version=r,app.name=a,\
             app.version=v,k8s.instance.name=i,cloud.region=re,cloud.availability_zone=zo",
        ),
    ];
    for (dialect, expected) in cases {
        let mut header = String::new();
        peer.encode(dialect, &mut header);
        assert_eq!(header, expected, "{dialect:?}");
    }
}

#[test]
fn what_is_not_set_is_left_out_except_by_agentgateway() {
    let peer = PeerAttributes::builder()
        .app("a")
        .version("v")
        .cluster("")
        .workload(WorkloadKind::Pod, "")
        .build();
    assert_eq!((peer.cluster(), peer.workload_kind()), (None, None));
    let write = |peer: &PeerAttributes, dialect| {
        let mut header = String::new();
        peer.encode(dialect, &mut header);
        header
    };
    assert_eq!(write(&peer, Dialect::Envoy), "app.name=a,app.version=v");
    assert_eq!(write(&peer, Dialect::Ztunnel), "");
    assert_eq!(
        write(&peer, Dialect::Agentgateway),
        "k8s.cluster.name=,k8s.namespace.name=,k8s.deployment.name=,service.name=,service.version="
    );
    let same = PeerAttributes::builder()
        .service("s")
        .app("s")
        .revision("r")
        .version("r")
        .build();
    assert_eq!(
        write(&same, Dialect::Envoy),
        "service.name=s,service.version=r"
    );
}

#[test]
fn what_istio_would_write_raw_is_escaped() {
    let peer = PeerAttributes::builder().service("a b,c=d;é").build();
    let mut header = String::new();
    peer.encode(Dialect::Ztunnel, &mut header);
    assert_eq!(header, "service.name=a%20b%2Cc%3Dd%3B%C3%A9");
}
