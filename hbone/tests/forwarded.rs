//! The `forwarded` header: RFC 7239.

use std::net::{IpAddr, SocketAddr};

use hbone::forwarded::{Element, ForwardedError, Node, NodeName, NodePort};
use hbone::{Forwarded, Hostname};
use http::HeaderValue;
use proptest::prelude::*;

#[track_caller]
fn read(text: &str) -> Forwarded {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[track_caller]
fn assert_reads_as(text: &str, canonical: &str) {
    assert_eq!(read(text).to_string(), canonical, "{text:?}");
}

#[track_caller]
fn assert_refused(text: &str, error: ForwardedError) {
    assert_eq!(text.parse::<Forwarded>(), Err(error), "{text:?}");
}

#[test]
fn what_ztunnel_writes_is_read_and_written_octet_for_octet() {
    let service = Hostname::parse("echo.default.svc.cluster.local").expect("a host name");
    for (client, text) in [
        (
            "10.0.0.1:4711",
            r#"for="10.0.0.1:4711";host=echo.default.svc.cluster.local"#,
        ),
        (
            "[2001:db8::1]:80",
            r#"for="[2001:db8::1]:80";host=echo.default.svc.cluster.local"#,
        ),
    ] {
        let client: SocketAddr = client.parse().expect("an address");
        assert_eq!(Forwarded::client(client, Some(&service)).to_string(), text);
        assert_eq!(read(text), Forwarded::client(client, Some(&service)));
        assert_eq!(read(text).host(), Some("echo.default.svc.cluster.local"));
        assert_eq!(
            read(text).elements()[0].client().and_then(Node::addr),
            Some(client)
        );
    }
    let client: SocketAddr = "10.0.0.1:80".parse().expect("an address");
    assert_eq!(
        Forwarded::client(client, None).to_string(),
        r#"for="10.0.0.1:80""#
    );
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    assert_reads_as(r#"for="_gazonk""#, "for=_gazonk");
    assert_reads_as(
        r#"For="[2001:db8:cafe::17]:4711""#,
        r#"for="[2001:db8:cafe::17]:4711""#,
    );
    assert_reads_as(
        "for=192.0.2.60;proto=http;by=203.0.113.43",
        "for=192.0.2.60;proto=http;by=203.0.113.43",
    );
    assert_reads_as(
        "for=192.0.2.43, for=198.51.100.17",
        "for=192.0.2.43,for=198.51.100.17",
    );
    assert_reads_as(r#"for=_hidden, for=_SEVKISEK"#, "for=_hidden,for=_SEVKISEK");
    assert_reads_as(
        r#"for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown"#,
        r#"for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown"#,
    );
    assert_reads_as(r#"for="192.0.2.43:47011""#, r#"for="192.0.2.43:47011""#);
}

#[test]
fn names_and_schemes_are_read_in_any_case_and_parameters_in_any_order() {
    assert_reads_as(
        r#"BY=_us;PROTO=HTTPS;Host="Echo:80";FOR=UNKNOWN"#,
        r#"for=unknown;host="Echo:80";proto=https;by=_us"#,
    );
}

#[test]
fn quoted_strings_may_hold_escapes() {
    assert_reads_as(r#"for="_a\b\c""#, "for=_abc");
    assert_reads_as(r#"host="\e\cho""#, "host=echo");
    assert_refused(r#"host="a\"b""#, ForwardedError::BadHost);
    assert_refused(r#"host="a;for=_x""#, ForwardedError::BadHost);
}

#[test]
fn extension_parameters_are_skipped() {
    assert_reads_as(r#"secret="a;b, c=\"d";for=_x;tenant=7"#, "for=_x");
    assert_refused("tenant=7", ForwardedError::Empty);
    // Each element is on its own, and a longer name is another name.
    assert_reads_as("for=_a;tenant=7, for=_b;tenant=7", "for=_a,for=_b");
    assert_reads_as("tenant=7;tenants=7;tenan=7;for=_a;fore=_b", "for=_a");
}

#[test]
fn empty_members_of_the_list_and_blanks_around_separators_are_skipped() {
    assert_reads_as(
        " , for=_a ,\t, for=_b ; host=h ;; ,",
        "for=_a,for=_b;host=h",
    );
    assert_refused("", ForwardedError::Empty);
    assert_refused(" , ;, ", ForwardedError::Empty);
}

#[test]
fn several_lines_are_one_list() {
    let lines = ["for=_a", "for=_b;host=h, for=_c"].map(HeaderValue::from_static);
    assert_eq!(
        Forwarded::from_lines(&lines),
        Ok(read("for=_a,for=_b;host=h,for=_c"))
    );
    let broken = ["for=_a", "for=\"_b"].map(HeaderValue::from_static);
    assert_eq!(
        Forwarded::from_lines(&broken),
        Err(ForwardedError::BadValue)
    );
}

#[test]
fn the_host_is_that_of_the_nearest_proxy_that_names_one() {
    assert_eq!(
        read("for=_a;host=first,for=_b;host=second,for=_c").host(),
        Some("second")
    );
    assert_eq!(read("for=_a").host(), None);
}

#[test]
fn malformed_values_are_refused_with_their_reason() {
    assert_refused("for=", ForwardedError::BadValue);
    assert_refused("for =_a", ForwardedError::BadName);
    assert_refused("for= _a", ForwardedError::BadValue);
    assert_refused("=_a", ForwardedError::BadName);
    assert_refused("for", ForwardedError::BadName);
    assert_refused("for=1.2.3.4:80", ForwardedError::BadValue);
    assert_refused("for=[::1]", ForwardedError::BadValue);
    assert_refused("for=\"_a", ForwardedError::BadValue);
    assert_refused("for=\"_a\\", ForwardedError::BadValue);
    assert_refused("for=_a for=_b", ForwardedError::BadValue);
    assert_refused("for=\"_a\"b", ForwardedError::BadValue);
    assert_refused("for=_a;for=_b", ForwardedError::Repeated);
    assert_refused("host=a;HOST=a", ForwardedError::Repeated);
    assert_refused("tenant=7;for=_a;tenant=7", ForwardedError::Repeated);
    assert_refused(
        "x=1;tenant=7;for=_a;y=2;TeNant=\"8\"",
        ForwardedError::Repeated,
    );
    assert_refused("for=_a,z=1;for=_b;Z=1", ForwardedError::Repeated);
    assert_refused("for=_a;Z=1;a=1;z=1", ForwardedError::Repeated);
    assert_refused("for=_a\0", ForwardedError::NonAscii);
    assert_refused("host=\"h\u{e9}\"", ForwardedError::NonAscii);
    assert_refused("for=\"\"", ForwardedError::BadNode);
    assert_refused("host=\"\"", ForwardedError::BadHost);
    assert_refused("host=\"a b\"", ForwardedError::BadHost);
    assert_refused("proto=\"\"", ForwardedError::BadProto);
    assert_refused("proto=1http", ForwardedError::BadProto);
    assert_refused("proto=\"a:b\"", ForwardedError::BadProto);
}

#[test]
fn malformed_nodes_are_refused() {
    for node in [
        "_",
        "_a b",
        "_a/b",
        "host.example",
        "1.2.3",
        "0177.0.0.1",
        "1.2.3.4:",
        "1.2.3.4:99999",
        "1.2.3.4:123456",
        "1.2.3.4:000080",
        "1.2.3.4:+80",
        "1.2.3.4:_",
        "1.2.3.4:80:80",
        "::1",
        "[::1",
        "[::1]80",
        "[fe80::1%eth0]",
        "[1.2.3.4]",
        "unknown:",
        "[]",
        "_a:80x",
    ] {
        assert_refused(&format!("for=\"{node}\""), ForwardedError::BadNode);
        assert_refused(&format!("by=\"{node}\""), ForwardedError::BadNode);
    }
}

#[test]
fn more_than_anybody_reads_is_refused() {
    let many = vec!["for=_a"; 32].join(",");
    assert_eq!(read(&many).elements().len(), 32);
    assert_refused(&vec!["for=_a"; 33].join(","), ForwardedError::TooLong);
    assert_refused(
        &format!("for=_{}", "a".repeat(8192)),
        ForwardedError::TooLong,
    );
    let element = || Element::new().with_for(Node::new(NodeName::Unknown, None));
    assert!(Forwarded::new((0..32).map(|_| element())).is_ok());
    assert_eq!(
        Forwarded::new((0..33).map(|_| element())),
        Err(ForwardedError::TooLong)
    );
    let long = Element::new().with_host(&"a".repeat(8192)).expect("a host");
    assert_eq!(Forwarded::new([long]), Err(ForwardedError::TooLong));
}

#[test]
fn what_would_be_too_long_once_it_is_written_again_is_refused() {
    let of = |address: &str, length: usize| {
        let start = format!(r#"for="[{address}]";host="#);
        let host = "a".repeat(length - start.len());
        format!("{start}{host}")
    };
    // Of a single zero the canonical form has one byte more: `1:2:3:4:5:6:0:8`.
    let fits = read(&of("1:2:3:4:5:6::8", 8191));
    assert_eq!(read(&fits.to_string()), fits);
    assert_refused(&of("1:2:3:4:5:6::8", 8192), ForwardedError::TooLong);
    let fits = read(&of("1:2:3:4:5:6:7:8", 8192));
    assert_eq!(read(&fits.to_string()), fits);
}

#[test]
fn an_element_that_says_nothing_is_no_element() {
    assert_eq!(Forwarded::new([Element::new()]), Err(ForwardedError::Empty));
    let said = Element::new().with_hostname(&Hostname::parse("h").expect("a host name"));
    assert_eq!(
        Forwarded::new([Element::new(), said]).map(|read| read.to_string()),
        Ok("host=h".to_owned())
    );
}

fn node() -> impl Strategy<Value = Node> {
    let obfuscated = "_[a-zA-Z0-9._-]{1,8}";
    let name = prop_oneof![
        any::<IpAddr>().prop_map(|addr| NodeName::Addr(addr.to_canonical())),
        obfuscated.prop_map(|name| NodeName::Obfuscated(name.parse().expect("an obfuscated name"))),
        Just(NodeName::Unknown),
    ];
    let port = prop_oneof![
        any::<u16>().prop_map(NodePort::Number),
        obfuscated.prop_map(|name| NodePort::Obfuscated(name.parse().expect("an obfuscated port"))),
    ];
    (name, proptest::option::of(port)).prop_map(|(name, port)| Node::new(name, port))
}

fn element() -> impl Strategy<Value = Element> {
    let host = "[a-zA-Z0-9._~!$&'()*+:%\\[\\]-]{1,20}";
    let proto = "[a-zA-Z][a-zA-Z0-9+.-]{0,6}";
    let option = proptest::option::of::<BoxedStrategy<Node>>;
    (
        option(node().boxed()),
        option(node().boxed()),
        proptest::option::of(host),
        proptest::option::of(proto),
    )
        .prop_map(|(by, client, host, proto)| {
            let mut element = Element::new();
            if let Some(by) = by {
                element = element.with_by(by);
            }
            if let Some(client) = client {
                element = element.with_for(client);
            }
            if let Some(host) = host {
                element = element.with_host(&host).expect("a host");
            }
            if let Some(proto) = proto {
                element = element.with_proto(&proto).expect("a scheme");
            }
            element
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn forwarded_round_trips(elements in proptest::collection::vec(element(), 1..5)) {
        if let Ok(forwarded) = Forwarded::new(elements) {
            let text = forwarded.to_string();
            prop_assert_eq!(text.parse(), Ok(forwarded.clone()));
            let value = HeaderValue::from_str(&text).expect("a header value");
            prop_assert_eq!(Forwarded::from_lines([&value]), Ok(forwarded));
        }
    }

    #[test]
    fn whatever_is_read_round_trips(text in "([Ff]or|by|host|proto|x)=\"?[\\[\\]a-z0-9_.:\\\\]{0,9}\"?[;, ]{0,2}(host=\"?[a-z:]{0,4}\"?)?") {
        if let Ok(forwarded) = text.parse::<Forwarded>() {
            prop_assert_eq!(forwarded.to_string().parse(), Ok(forwarded));
        }
    }

    #[test]
    fn reading_never_panics(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..4)) {
        let values: Vec<_> = lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()).collect();
        let _ = Forwarded::from_lines(&values);
    }
}
