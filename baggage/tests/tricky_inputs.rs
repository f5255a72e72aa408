//! T1 to T29 and I1 to I11 of docs/baggage.md: inputs on which implementations differ.

mod support;

use baggage::istio::PeerAttributes;
use baggage::{Baggage, Limits};
use support::{members, parse, parse_bytes, peer, strict};

/// Names a test after each row: the lines, what is read of them, what strict parsing says.
macro_rules! rows {
    ($($name:ident: $lines:expr => $members:expr, $strict:expr;)*) => {$(
        #[test]
        fn $name() {
            let expected: &[&str] = &$members;
            assert_eq!(members($lines), expected);
            assert_eq!(strict($lines), $strict);
        }
    )*};
}

rows! {
    t1_a_second_equals_sign: "k=a=b" => ["k=a=b"], "ok";
    t2_white_space_everywhere: "k = v ; p = 1" => ["k=v;p=1"], "ok";
    t3_encoded_spaces: "k=%20v%20" => ["k= v "], "ok";
    t4_a_space_in_a_value: "k=a b" => [], "invalid_value";
    t5_quotes: "k=\"a,b\"" => [], "invalid_value";
    t6_a_percent_sign_at_the_end: "k=100%" => ["k=100%"], "invalid_percent";
    t7_not_utf_8: "k=%FF" => ["k=\u{fffd}"], "ok";
    t8_half_a_character: "k=%E2%82" => ["k=\u{fffd}"], "ok";
    t9_an_escape_in_a_key: "%61=1" => ["%61=1"], "ok";
    t10_a_semicolon_at_the_end: "k=v;" => ["k=v"], "invalid_property";
    t11_two_semicolons: "k=v;;p" => ["k=v;p"], "invalid_property";
    t12_a_space_in_a_property: "k=v;a b" => [], "invalid_property";
    t13_an_encoded_comma_in_a_property: "k=v;p=%2Cx=1" => ["k=v;p=,x=1"], "ok";
    t14_a_comma_at_the_end: "a=1," => ["a=1"], "empty_member";
    t15_two_commas: "a=1,,b=2" => ["a=1", "b=2"], "empty_member";
    t16_a_word: "foo" => [], "missing_equals";
    t17_no_key: "=v" => [], "invalid_key";
    t18_a_slash_in_a_key: "k/e=v,z=1" => ["z=1"], "invalid_key";
    t19_a_key_twice: "a=1,a=2" => ["a=1", "a=2"], "ok";
    t20_two_lines: "a=1\nb=2" => ["a=1", "b=2"], "ok";
    t21_raw_utf_8: "k=Amélie,z=1" => ["z=1"], "invalid_value";
    t22_a_backslash: "k=\\,z=1" => ["z=1"], "invalid_value";
    t23_an_encoded_percent_sign: "k=%2525" => ["k=%25"], "ok";
    t24_a_plus_sign: "k=1+1" => ["k=1+1"], "ok";
    t25_nothing: "" => [], "empty_member";
}

#[test]
fn t26_sixty_five_members() {
    let line: Vec<String> = (0..65).map(|index| format!("k{index:02}=v")).collect();
    let parsed = parse(&line.join(","));
    assert_eq!(parsed.baggage.len(), 64);
    assert_eq!(
        parsed
            .truncated
            .map(|error| (error.kind().as_str(), error.offset())),
        Some(("too_many_members", 64 * 6))
    );
    assert_eq!(strict(&line.join(",")), "too_many_members");
}

#[test]
fn t27_8193_bytes() {
    let first = format!("k={}", "v".repeat(8188));
    let parsed = parse(&format!("{first},a="));
    assert_eq!(
        (
            parsed.baggage.len(),
            parsed.truncated.map(|error| error.kind().as_str())
        ),
        (1, Some("too_large"))
    );
    assert_eq!(parsed.baggage.get("k").map(|value| value.len()), Some(8188));
    assert_eq!(strict(&format!("{first},a=")), "too_large");
    assert_eq!(strict(&first), "ok");
}

#[test]
fn t28_malformed_members_use_up_nothing() {
    let parsed = parse(&format!("{}k=v", "bad,".repeat(64)));
    assert_eq!(support::shown(&parsed.baggage), ["k=v"]);
    assert_eq!(parsed.skipped.len(), 64);
    let parsed = parse(&"bad,".repeat(100));
    assert_eq!(
        (parsed.skipped.len(), parsed.skipped_total),
        (64, 100),
        "reports are capped"
    );
}

#[test]
fn t29_a_no_break_space_is_no_white_space() {
    assert_eq!(
        support::shown(&parse_bytes(b"k=\xa0v,z=1").baggage),
        ["z=1"]
    );
    assert_eq!(members("k=\u{a0}v,z=1"), ["z=1"]);
}

/// Names a test after each row: the lines, and what they say of the peer in the order of the keys' table.
macro_rules! peers {
    ($($name:ident: $lines:expr => $fields:expr;)*) => {$(
        #[test]
        fn $name() {
            let expected: &[(&str, &str)] = &$fields;
            let expected: Vec<_> = expected.iter().map(|&(name, value)| (name, value.to_owned())).collect();
            assert_eq!(fields($lines), expected);
            assert_eq!(peer($lines).is_none(), expected.is_empty());
        }
    )*};
}

peers! {
    i1_white_space_around_the_equals_sign: "k8s.cluster.name = c1" => [("cluster", "c1")];
    i2_an_encoded_space: "service.name=a%20b" => [("service", "a b"), ("app", "a b")];
    i3_a_second_equals_sign: "service.version=v1=rc2" => [("revision", "v1=rc2"), ("version", "v1=rc2")];
    i4_a_property: "service.name=s;ttl=5" => [("service", "s"), ("app", "s")];
    i5_a_bare_key_after_a_value: "k8s.cluster.name=c1,k8s.cluster.name" => [("cluster", "c1")];
    i6_the_second_line: "x=1\nk8s.cluster.name=c1" => [("cluster", "c1")];
    i7_a_malformed_neighbour: "k8s.cluster.name=c1,user=é" => [("cluster", "c1")];
    i8_an_empty_service: "app.name=x,service.name=" => [("service", "x"), ("app", "x")];
    i9_a_service_twice: "service.name=a,service.name=b" => [("service", "b"), ("app", "b")];
    i10_an_empty_pod_after_a_deployment: "k8s.deployment.name=d,k8s.pod.name=" => [];
    i11_an_applications_own_baggage: "userId=alice" => [];
}

fn fields(lines: &str) -> Vec<(&'static str, String)> {
    let peer = peer(lines).unwrap_or_default();
    let all = [
        ("cluster", peer.cluster()),
        ("namespace", peer.namespace()),
        ("workload", peer.workload()),
        (
            "workload_type",
            peer.workload_kind().map(|kind| kind.as_str()),
        ),
        ("service", peer.service()),
        ("revision", peer.revision()),
        ("app", peer.app()),
        ("version", peer.version()),
        ("instance", peer.instance()),
        ("region", peer.region()),
        ("zone", peer.zone()),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?.to_owned())))
        .collect()
}

#[test]
fn every_key_is_found_by_itself_with_and_without_white_space_and_by_no_other_name() {
    let keys = [
        ("k8s.cluster.name", "cluster"),
        ("k8s.namespace.name", "namespace"),
        ("k8s.cronjob.name", "workload"),
        ("k8s.deployment.name", "workload"),
        ("k8s.job.name", "workload"),
        ("k8s.pod.name", "workload"),
        ("service.name", "service"),
        ("service.version", "revision"),
        ("app.name", "app"),
        ("app.version", "version"),
        ("k8s.instance.name", "instance"),
        ("cloud.region", "region"),
        ("cloud.availability_zone", "zone"),
    ];
    for (key, field) in keys {
        for line in [
            format!("{key}=x"),
            format!("a=1,\t{key} = x ;p"),
            format!("{key}=%78"),
        ] {
            assert!(fields(&line).contains(&(field, "x".to_owned())), "{line}");
        }
        assert!(baggage::istio::is_istio_key(key));
        let close = [
            format!("{key}x"),
            format!("x{key}"),
            key[..key.len() - 1].to_owned(),
            key.to_uppercase(),
            key.replace('.', "-"),
        ];
        for other in close {
            assert_eq!(peer(&format!("{other}=x")), None, "{other}");
            assert!(!baggage::istio::is_istio_key(&other));
        }
        for at in 0..key.len() {
            let mut other = key.as_bytes().to_vec();
            other[at] ^= 1;
            let line = [&other[..], b"=x"].concat();
            let found = PeerAttributes::parse([&line[..]], &Limits::new());
            assert_eq!(found, None, "{}", String::from_utf8_lossy(&line));
        }
    }
    assert_eq!(
        Baggage::parse(["k8s.statefulset.name=s"], &Limits::new())
            .baggage
            .len(),
        1,
        "still a member"
    );
}
