//! R1 to R20 of docs/baggage.md.

mod support;

use baggage::istio::{PeerAttributes, WorkloadKind};
use baggage::{Baggage, Limits};
use support::{members, parse, parse_bytes, peer, skipped, strict};

/// HBONE-B-004.
#[test]
fn r1_lines_are_joined_by_commas_in_order_and_no_member_spans_two() {
    assert_eq!(members("c=3\na=1,b=2\nc=4"), ["c=3", "a=1", "b=2", "c=4"]);
    assert_eq!(members("k=a\nb;p\nz=1"), ["k=a", "z=1"]);
    assert_eq!(members("k\n=v"), [""; 0]);
    assert_eq!(strict("a=1,\n,b=2"), "empty_member");
}

#[test]
fn r2_limits_count_members_and_not_properties() {
    let line = format!("k=v{}", ";p=1".repeat(1000));
    let parsed = parse(&line);
    assert_eq!(parsed.truncated, None);
    assert_eq!(
        parsed.baggage.iter().next().unwrap().properties().count(),
        1000
    );
    assert_eq!(strict(&line), "ok");
}

/// HBONE-B-004.
#[test]
fn r3_commas_split_before_semicolons_before_the_first_equals_sign_on_raw_octets() {
    assert_eq!(members("k=v;p=1,2=3"), ["k=v;p=1", "2=3"]);
    assert_eq!(skipped("k;p=v"), ["missing_equals"]);
    assert_eq!(members("k=a%2Cb%3Bc%3Dd"), ["k=a,b;c=d"]);
    assert_eq!(
        skipped("a b"),
        ["missing_equals"],
        "without an equals sign it is no member, whatever the key"
    );
    assert_eq!(members("k=v;p"), ["k=v;p"]);
}

#[test]
fn r4_white_space_is_space_and_tab_only_around_commas_semicolons_and_equals_signs() {
    assert_eq!(
        members("\t k \t= \tv\t ;\t p\t =\t1 ; q \t,\tz =1 "),
        ["k=v;p=1;q", "z=1"]
    );
    for other in ["\u{b}", "\u{c}", "\u{a0}", "\u{85}", "\u{2003}", "\r"] {
        assert_eq!(members(&format!("{other}k=v,z=1")), ["z=1"], "{other:?}");
        assert_eq!(members(&format!("k=v{other},z=1")), ["z=1"], "{other:?}");
    }
}

/// HBONE-B-004.
#[test]
fn r5_white_space_is_trimmed_before_decoding() {
    assert_eq!(members("k= %20v%20 ;p= %09"), ["k= v ;p=\t"]);
}

#[test]
fn r6_every_octet_of_a_value_is_a_baggage_octet() {
    for octet in 0..=255_u8 {
        let legal = matches!(octet, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
        if matches!(octet, b',' | b';' | b'\n') {
            continue; // they end the value
        }
        for line in [
            [b"k=a", &[octet][..], b"b,z=1"].concat(),
            [b"k=v;p=a", &[octet][..], b"b,z=1"].concat(),
        ] {
            let parsed = parse_bytes(&line);
            assert_eq!(parsed.baggage.len(), 1 + usize::from(legal), "{octet:#x}");
            assert_eq!(parsed.baggage.get("z").as_deref(), Some("1"), "{octet:#x}");
        }
    }
}

#[test]
fn r7_a_value_may_hold_any_number_of_equals_signs() {
    assert_eq!(members("k==a=,z=b==;p==="), ["k==a=", "z=b==;p==="]);
}

/// HBONE-B-004.
#[test]
fn r8_values_are_decoded_exactly_once_with_digits_of_either_case() {
    assert_eq!(members("k=%c3%A9%2525;p=%2B+"), ["k=é%25;p=++"]);
    assert_eq!(members("k=e%CC%81"), ["k=e\u{301}"], "no normalisation");
}

#[test]
fn r9_a_percent_sign_that_escapes_nothing_is_kept_and_is_a_strict_error() {
    for (encoded, decoded) in [
        ("100%", "100%"),
        ("%4", "%4"),
        ("%zz%41", "%zzA"),
        ("%%41", "%A"),
        ("%+1", "%+1"),
    ] {
        let line = format!("k={encoded};p={encoded}");
        assert_eq!(members(&line), [format!("k={decoded};p={decoded}")]);
        assert_eq!(strict(&line), "invalid_percent");
    }
    assert_eq!(strict("k=v;p=%"), "invalid_percent");
}

#[test]
fn r10_keys_are_tokens_case_sensitive_and_never_decoded() {
    assert_eq!(
        members("Key=1,key=2,%61=3;%61=%61"),
        ["Key=1", "key=2", "%61=3;%61=a"]
    );
    for octet in 0..=255_u8 {
        if matches!(octet, b',' | b';' | b'\n' | b'=') {
            continue;
        }
        let tchar = octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
        let key = parse_bytes(&[b"a", &[octet][..], b"b=v,z=1"].concat());
        assert_eq!(key.baggage.len(), 1 + usize::from(tchar), "{octet:#x}");
        let property = parse_bytes(&[b"k=v;a", &[octet][..], b"b,z=1"].concat());
        assert_eq!(property.baggage.len(), 1 + usize::from(tchar), "{octet:#x}");
    }
    assert_eq!(skipped("=v, =v"), ["invalid_key", "invalid_key"]);
}

#[test]
fn r11_what_is_not_utf_8_becomes_a_replacement_character_for_each_maximal_subpart() {
    let cases = [
        ("%FF", "\u{fffd}"),
        ("a%80b", "a\u{fffd}b"),
        ("%E2%82", "\u{fffd}"),
        ("%F0%9F%9A", "\u{fffd}"),
        ("%F0%9F%9Ax", "\u{fffd}x"),
        ("%C0%80", "\u{fffd}\u{fffd}"),
        ("%ED%A0%80", "\u{fffd}\u{fffd}\u{fffd}"),
        ("%E2%82%E2%82%AC", "\u{fffd}€"),
    ];
    for (encoded, decoded) in cases {
        assert_eq!(
            parse(&format!("k={encoded}")).baggage.get("k").as_deref(),
            Some(decoded)
        );
        assert_eq!(strict(&format!("k={encoded}")), "ok");
    }
}

#[test]
fn r12_only_the_malformed_member_is_skipped_and_it_is_reported() {
    let parsed = parse("a=1,bad,b=2,\"=3,c=\\,d=4;=\nf g,e=5");
    assert_eq!(support::shown(&parsed.baggage), ["a=1", "b=2", "e=5"]);
    let reports: Vec<_> = parsed
        .skipped
        .iter()
        .map(|error| (error.kind().as_str(), error.line(), error.offset()))
        .collect();
    assert_eq!(
        reports,
        [
            ("missing_equals", 0, 4),
            ("invalid_key", 0, 12),
            ("invalid_value", 0, 18),
            ("invalid_property", 0, 24),
            ("missing_equals", 1, 0)
        ]
    );
    assert_eq!(parsed.skipped_total, 5);
    assert_eq!(parsed.truncated, None);
}

#[test]
fn r13_empty_properties_are_ignored_and_are_a_strict_error() {
    for line in ["k=v;;p", "k=v; ;p", "k=v;p;", "k=v; p ; \t "] {
        assert_eq!(members(line), ["k=v;p"]);
        assert_eq!(strict(line), "invalid_property");
    }
}

#[test]
fn r14_a_malformed_property_drops_the_whole_member() {
    for line in [
        "k=v;a b,z=1",
        "k=v;p=\\,z=1",
        "k=v;p=a b,z=1",
        "k=v;=x,z=1",
        "k=v;p;(,z=1",
    ] {
        assert_eq!(members(line), ["z=1"], "{line}");
        assert_eq!(skipped(line), ["invalid_property"], "{line}");
        assert_eq!(strict(line), "invalid_property", "{line}");
    }
}

#[test]
fn r15_empty_elements_are_ignored_silently_and_not_counted() {
    let parsed = parse(&format!("{}k=v, ,\t,", ",".repeat(200)));
    assert_eq!(
        (parsed.baggage.len(), parsed.skipped_total, parsed.truncated),
        (1, 0, None)
    );
    assert_eq!(strict(""), "empty_member");
    assert_eq!(
        Baggage::parse_strict::<str>([], &Limits::new()),
        Ok(Baggage::new()),
        "no line is no error"
    );
}

#[test]
fn r16_reading_stops_at_the_first_member_over_a_limit_counted_over_all_lines() {
    let limits = Limits::new().with_members(2).with_bytes(11);
    let read = |lines: &str| {
        let parsed = Baggage::parse(lines.split('\n'), &limits);
        let stopped = parsed
            .truncated
            .map(|error| (error.kind().as_str(), error.line(), error.offset()));
        (support::shown(&parsed.baggage).join(" "), stopped)
    };
    assert_eq!(
        read("a=1, bad ,b=2,,bad"),
        ("a=1 b=2".into(), None),
        "only valid members count"
    );
    assert_eq!(
        read("a=1,b=2,bad,\tc=3"),
        ("a=1 b=2".into(), Some(("too_many_members", 0, 13)))
    );
    assert_eq!(
        read("aa=1 , bbbb=2"),
        ("aa=1 bbbb=2".into(), None),
        "4 + 1 + 6 bytes without the white space"
    );
    assert_eq!(
        read("aa=1\nbbbbb=2,c="),
        ("aa=1".into(), Some(("too_large", 1, 0))),
        "a later one that fits is dropped too"
    );
    assert_eq!(
        read("a = 34567 "),
        ("a=34567".into(), None),
        "white space inside the member counts: 9 bytes"
    );
    assert_eq!(read("a  =  234567").1, Some(("too_large", 0, 0)));
    assert_eq!(
        read("a=1; ;;;;; ").1,
        None,
        "ignored properties count too: 10 bytes"
    );
    assert_eq!(read("a=1; ;;;;; ;;").1, Some(("too_large", 0, 0)));
}

#[test]
fn r16_white_space_behind_an_empty_value_is_around_its_member_too() {
    for (line, bytes) in [
        ("k= \t", "k=".len()),
        (" k =\t ", "k =".len()),
        ("k=1;p= \t", "k=1;p=".len()),
        ("k= ; p =\t,", "k= ; p =".len()),
    ] {
        let too_large = |bytes| {
            let parsed = Baggage::parse([line], &Limits::new().with_bytes(bytes));
            parsed.truncated.is_some()
        };
        assert!(!too_large(bytes), "{line:?} has {bytes} bytes");
        assert!(too_large(bytes - 1), "{line:?} has no fewer than {bytes}");
    }
}

#[test]
fn r16_raw_octets_are_capped_and_reading_stops_between_members() {
    let read = |line: &str, cap| {
        let parsed = Baggage::parse(line.split('\n'), &Limits::new().with_raw_bytes(cap));
        (
            support::shown(&parsed.baggage).join(" "),
            parsed.truncated.map(|error| error.offset()),
        )
    };
    assert_eq!(read("a=1,b=2", 7), ("a=1 b=2".into(), None));
    assert_eq!(
        read("a=1,b=2", 6),
        ("a=1".into(), Some(4)),
        "no part of a member is read"
    );
    assert_eq!(read("a=1,b=2", 4), ("a=1".into(), Some(4)));
    assert_eq!(
        read("a=1,b=2", 3),
        ("a=1".into(), Some(3)),
        "a member that ends at the cap is whole"
    );
    assert_eq!(read("a=1,b=2", 2), (String::new(), Some(0)));
    assert_eq!(read("a=1\nb=2", 7), ("a=1 b=2".into(), None));
    assert_eq!(
        read("a=1\nb=2", 6),
        ("a=1".into(), Some(0)),
        "the comma between two lines counts"
    );
    assert_eq!(read("a=1\nb=2", 3), ("a=1".into(), Some(0)));
    assert_eq!(read("", 0), (String::new(), None));
    assert_eq!(
        Baggage::parse_strict(["a=1,b=2"], &Limits::new().with_raw_bytes(6))
            .unwrap_err()
            .kind()
            .as_str(),
        "too_large"
    );
}

#[test]
fn r16_strict_reports_a_limit_only_where_there_is_no_other_error() {
    let limits = Limits::new().with_members(1);
    let error = |line| Baggage::parse_strict([line], &limits).unwrap_err();
    assert_eq!(error("a=1,b=2,c").kind().as_str(), "missing_equals");
    assert_eq!(
        (
            error("a=1, b=2,c=3").kind().as_str(),
            error("a=1, b=2,c=3").offset()
        ),
        ("too_many_members", 5)
    );
}

#[test]
fn r17_properties_never_act_as_members() {
    assert_eq!(parse("x=1;k=v").baggage.get("k"), None);
    assert_eq!(peer("x=1;k8s.cluster.name=evil"), None);
    assert_eq!(peer("service.name=s;ttl=5").unwrap().service(), Some("s"));
}

#[test]
fn r18_duplicates_are_kept_in_order_and_the_last_is_looked_up() {
    let baggage = parse("a=1;p,b=2,a=3,a=\\").baggage;
    assert_eq!(support::shown(&baggage), ["a=1;p", "b=2", "a=3"]);
    assert_eq!(baggage.get("a").as_deref(), Some("3"));
    let all: Vec<_> = baggage
        .get_all("a")
        .map(|member| member.value().into_owned())
        .collect();
    assert_eq!(all, ["1", "3"]);
}

#[test]
fn r18_the_last_valid_occurrence_of_a_peers_key_counts_and_an_empty_one_clears() {
    assert_eq!(
        peer("k8s.cluster.name=a,k8s.cluster.name=b")
            .unwrap()
            .cluster(),
        Some("b")
    );
    assert_eq!(
        peer("k8s.cluster.name=a,k8s.cluster.name=b c")
            .unwrap()
            .cluster(),
        Some("a")
    );
    assert_eq!(peer("k8s.cluster.name=a,k8s.cluster.name="), None);
    let workload = peer("k8s.pod.name=p,k8s.job.name=j").unwrap();
    assert_eq!(
        (workload.workload(), workload.workload_kind()),
        (Some("j"), Some(WorkloadKind::Job))
    );
    let cleared = peer("k8s.pod.name=p,k8s.cronjob.name=,cloud.region=r").unwrap();
    assert_eq!((cleared.workload(), cleared.workload_kind()), (None, None));
}

/// HBONE-B-007.
#[test]
fn r19_service_and_app_and_revision_and_version_stand_for_each_other_after_the_scan() {
    let both = |peer: PeerAttributes| {
        let text = |value: Option<&str>| value.unwrap_or("-").to_owned();
        [
            text(peer.service()),
            text(peer.app()),
            text(peer.revision()),
            text(peer.version()),
        ]
    };
    assert_eq!(
        both(peer("service.name=s,app.version=v").unwrap()),
        ["s", "s", "v", "v"]
    );
    assert_eq!(
        both(peer("app.name=a,service.version=r").unwrap()),
        ["a", "a", "r", "r"]
    );
    assert_eq!(
        both(peer("app.name=a,service.name=s").unwrap()),
        ["s", "a", "-", "-"]
    );
    assert_eq!(
        both(peer("service.name=s,service.name=t").unwrap()),
        ["t", "t", "-", "-"]
    );
    assert_eq!(
        both(peer("app.name=a,service.name=").unwrap()),
        ["a", "a", "-", "-"]
    );
    assert_eq!(
        both(peer("service.name=,app.name=a").unwrap()),
        ["a", "a", "-", "-"]
    );
}

/// HBONE-B-008.
#[test]
fn r20_without_an_attribute_there_is_no_peer() {
    for lines in [
        "",
        "userId=alice",
        "k8s.cluster.name=",
        "k8s.statefulset.name=s",
        "K8S.CLUSTER.NAME=c",
        "k8s.cluster%2Ename=c",
    ] {
        assert_eq!(peer(lines), None, "{lines}");
    }
    assert_eq!(PeerAttributes::parse::<str>([], &Limits::new()), None);
}
