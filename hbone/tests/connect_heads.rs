//! The heads of CONNECT requests: what is read, what is refused, what is sent. Fault rows 57 to 61, 67, 69 and 71 of
//! `docs/faults.md`.

use hbone::{
    Authority, AuthorityError, Connect, ConnectOptions, HeaderValues, IstioSource, Network,
    NetworkError, Reject, TraceparentError, UnknownSource, UnreadReason, forwarded::ForwardedError,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, request};
use proptest::prelude::*;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The head of a CONNECT to `authority` as `h2` hands it over.
fn head(authority: &str, headers: &[(&'static str, &[u8])]) -> request::Parts {
    let authority: http::uri::Authority = authority.parse().expect("what h2 lets through");
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = Uri::from(authority);
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).expect("a header value");
        request
            .headers_mut()
            .append(HeaderName::from_static(name), value);
    }
    request.into_parts().0
}

fn read(headers: &[(&'static str, &[u8])]) -> Connect {
    Connect::from_parts(&head("10.0.0.7:80", headers), ConnectOptions::default())
        .expect("a CONNECT")
}

fn reject(parts: &request::Parts) -> Reject {
    Connect::from_parts(parts, ConnectOptions::default()).expect_err("no CONNECT of ours")
}

fn lines(lines: &[&'static str]) -> HeaderValues {
    lines
        .iter()
        .copied()
        .map(HeaderValue::from_static)
        .collect()
}

#[test]
fn a_head_without_headers_says_where_and_no_more() {
    let authority: Authority = "10.0.0.7:80".parse().expect("an authority");
    assert_eq!(read(&[]), Connect::new(authority));
}

#[test]
fn every_header_is_read() {
    let connect = read(&[
        ("baggage", b"k8s.cluster.name=c1"),
        ("forwarded", br#"for="10.0.0.1:4711";host=echo.default.svc"#),
        ("traceparent", TRACEPARENT.as_bytes()),
        ("x-forwarded-network", b"net1"),
        ("x-istio-source", b"gateway"),
    ]);
    assert_eq!(connect.baggage, lines(&["k8s.cluster.name=c1"]));
    assert_eq!(
        connect
            .forwarded
            .as_ref()
            .and_then(|forwarded| forwarded.host()),
        Some("echo.default.svc")
    );
    assert_eq!(
        connect.traceparent.map(|parent| parent.to_string()),
        Some(TRACEPARENT.to_owned())
    );
    assert_eq!(connect.origin_network, "net1".parse().ok());
    assert_eq!(connect.source, Some(IstioSource::Gateway));
    assert!(connect.unread.is_empty());
}

// [57]
#[test]
fn another_method_than_connect_is_answered_405_with_the_one_that_is_allowed() {
    for method in [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::OPTIONS,
        Method::from_bytes(b"connect").expect("a method"),
    ] {
        let mut parts = head("10.0.0.7:80", &[]);
        parts.method = method;
        let reject = reject(&parts);
        assert_eq!(reject, Reject::NotConnect);
        let response = reject.to_response();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(
            response.headers().get("allow"),
            Some(&HeaderValue::from_static("CONNECT"))
        );
    }
}

// [58] [59]
#[test]
fn a_scheme_or_path_is_rejected() {
    for uri in ["https://10.0.0.7:80/", "http://10.0.0.7:80/path"] {
        let mut parts = head("10.0.0.7:80", &[]);
        parts.uri = uri.parse().expect("a URI");
        assert_eq!(reject(&parts), Reject::ExtendedConnect, "{uri}");
        assert_eq!(reject(&parts).status(), StatusCode::BAD_REQUEST);
    }
}

// [61]
#[test]
fn a_missing_or_malformed_authority_is_answered_400() {
    let mut parts = head("10.0.0.7:80", &[]);
    for uri in [
        Uri::default(),
        Uri::from_static("/path"),
        Uri::from_static("*"),
    ] {
        parts.uri = uri;
        assert_eq!(reject(&parts), Reject::MissingAuthority);
    }
    parts.uri = Uri::from_parts(http::uri::Parts::default()).expect("the empty URI");
    assert_eq!(reject(&parts), Reject::MissingAuthority);
    assert_eq!(reject(&parts).status(), StatusCode::BAD_REQUEST);

    let malformed = reject(&head("host", &[]));
    assert_eq!(malformed, Reject::BadAuthority(AuthorityError::MissingPort));
    assert_eq!(malformed.status(), StatusCode::BAD_REQUEST);
}

// [67]
#[test]
fn a_host_header_that_agrees_is_ignored_and_never_forwarded() {
    for (authority, host) in [
        ("10.0.0.7:80", "10.0.0.7:80"),
        ("10.0.0.7:80", "10.0.0.7"),
        ("10.0.0.7:80", "[::ffff:10.0.0.7]:80"),
        ("[2001:db8::1]:80", "[2001:DB8:0::1]:80"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
        ("echo.default.svc:80", "Echo.Default.svc.:80"),
        ("echo.default.svc:80", "echo.default.svc"),
    ] {
        let parts = head(authority, &[("host", host.as_bytes())]);
        let connect =
            Connect::from_parts(&parts, ConnectOptions::new().with_keep_unknown(true)).expect(host);
        assert!(connect.unknown.is_empty());
        assert!(!connect.to_request().headers().contains_key("host"));
    }
}

// [67]
#[test]
fn a_host_header_that_disagrees_is_answered_400() {
    let disagreeing: [&[u8]; 12] = [
        b"10.0.0.8:80",
        b"10.0.0.7:81",
        b"echo",
        b"",
        b"10.0.0.7:",
        b"10.0.0.7:080",
        b"user@10.0.0.7:80",
        b"[::1]:80",
        b"10.0.0.7:80, 10.0.0.7:80",
        b"\xff",
        b"10.0.0.7:80/",
        b"010.0.0.7",
    ];
    for host in disagreeing {
        let reject = reject(&head("10.0.0.7:80", &[("host", host)]));
        assert_eq!(reject, Reject::HostMismatch, "{host:?}");
        assert_eq!(reject.status(), StatusCode::BAD_REQUEST);
    }
    let twice = head(
        "10.0.0.7:80",
        &[("host", b"10.0.0.7:80"), ("host", b"10.0.0.7:80")],
    );
    assert_eq!(reject(&twice), Reject::HostMismatch);
}

#[test]
fn lines_of_baggage_are_carried_octet_for_octet_in_order() {
    let raw: [&[u8]; 5] = [
        b"a=1, b=2 ;p",
        b"",
        b"a=b=c,,=x",
        b"k=\xc3\xa9%zz",
        b"a=1, b=2 ;p",
    ];
    let headers: Vec<_> = raw.iter().map(|line| ("baggage", *line)).collect();
    let connect = read(&headers);
    assert!(connect.baggage.iter().map(HeaderValue::as_bytes).eq(raw));
    assert!(connect.unread.is_empty());
    let sent = connect.to_request();
    assert!(
        sent.headers()
            .get_all("baggage")
            .iter()
            .map(HeaderValue::as_bytes)
            .eq(raw)
    );
}

#[test]
fn one_empty_line_of_baggage_is_not_the_same_as_none() {
    assert!(read(&[]).baggage.is_empty());
    let empty = read(&[("baggage", b"")]).baggage;
    assert_eq!((empty.len(), empty.is_empty()), (1, false));
}

#[test]
fn baggage_of_any_size_is_carried() {
    let long = vec![b'x'; 64 << 10];
    let headers: Vec<_> = (0..40_000)
        .map(|_| ("baggage", b"a=1".as_slice()))
        .chain([("baggage", long.as_slice())])
        .collect();
    let connect = read(&headers);
    assert_eq!(connect.baggage.len(), 40_001);
    assert_eq!(
        connect
            .to_request()
            .headers()
            .get_all("baggage")
            .iter()
            .count(),
        40_001
    );
}

#[test]
fn a_header_that_only_informs_never_fails_the_tunnel() {
    let malformed: [&[u8]; 4] = [b"\xff\xfe", b"a,b c", b"\tx", b"a b"];
    for value in malformed {
        let connect = read(&[
            ("forwarded", value),
            ("traceparent", value),
            ("x-forwarded-network", value),
            ("x-istio-source", value),
        ]);
        assert_eq!(connect.forwarded, None);
        assert!(connect.unread.forwarded.is_some());
        assert_eq!(
            (connect.traceparent, connect.unread.traceparent),
            (None, Some(TraceparentError::Length.into()))
        );
        assert_eq!(
            (connect.origin_network, connect.unread.origin_network),
            (None, Some(NetworkError::BadCharacter.into()))
        );
        assert!(matches!(
            (connect.source, connect.unread.source),
            (None, Some(UnreadReason::Source(UnknownSource { .. })))
        ));
    }
}

#[test]
fn a_header_of_one_value_that_comes_twice_is_dropped_even_if_both_agree() {
    let connect = read(&[
        ("traceparent", TRACEPARENT.as_bytes()),
        ("traceparent", TRACEPARENT.as_bytes()),
        ("x-forwarded-network", b"net1"),
        ("x-forwarded-network", b"net1"),
        ("x-istio-source", b"gateway"),
        ("x-istio-source", b"waypoint"),
    ]);
    assert_eq!(
        (connect.traceparent, connect.unread.traceparent),
        (None, Some(UnreadReason::Repeated))
    );
    assert_eq!(
        (connect.origin_network, connect.unread.origin_network),
        (None, Some(UnreadReason::Repeated))
    );
    assert_eq!(
        (connect.source, connect.unread.source),
        (None, Some(UnreadReason::Repeated))
    );
}

// [80]
#[test]
fn a_connect_that_came_through_too_many_proxies_is_a_loop_for_who_asks() {
    let read = |value: &[u8], options| {
        Connect::from_parts(&head("10.0.0.7:80", &[("forwarded", value)]), options)
    };
    let passes = |value: &[u8], most| {
        let outcome = read(value, ConnectOptions::new().with_max_forwarded(most));
        assert!(matches!(outcome, Ok(_) | Err(Reject::Loop)), "{outcome:?}");
        outcome.is_ok()
    };
    assert!(passes(b"for=_a, for=_b", 2));
    assert!(!passes(b"for=_a, for=_b, for=_c", 2));
    assert!(!passes(b"for=_a", 0));
    assert!(passes(&vec!["for=_a"; 32].join(",").into_bytes(), 32));

    let endless = vec!["for=_a"; 33].join(",").into_bytes();
    let wide = [b"for=_".as_slice(), &[b'a'; 8192]].concat();
    for value in [&endless, &wide] {
        assert!(!passes(value, usize::MAX));
        assert!(read(value, ConnectOptions::new()).is_ok(), "off by default");
    }
    // A header that says nothing, or nonsense, is dropped and so is not sent on.
    let none = ConnectOptions::new().with_max_forwarded(0);
    for value in [b"".as_slice(), b"tenant=7", b"for=1.2.3.4:80"] {
        assert_eq!(read(value, none).map(|connect| connect.forwarded), Ok(None));
    }
    let lines = [
        ("forwarded", b"for=_a".as_slice()),
        ("forwarded", b"for=_b"),
    ];
    let one = ConnectOptions::new().with_max_forwarded(1);
    let outcome = Connect::from_parts(&head("10.0.0.7:80", &lines), one);
    assert_eq!(outcome, Err(Reject::Loop), "several lines are one list");
    let alone = Connect::from_parts(&head("10.0.0.7:80", &[]), none);
    assert!(alone.is_ok());
}

#[test]
fn several_lines_of_forwarded_are_one_list_and_one_bad_line_spoils_it() {
    let connect = read(&[("forwarded", b"for=_a"), ("forwarded", b"for=_b")]);
    assert_eq!(
        connect
            .forwarded
            .map(|forwarded| forwarded.elements().len()),
        Some(2)
    );
    let connect = read(&[("forwarded", b"for=_a"), ("forwarded", b"for=1.2.3.4:80")]);
    assert_eq!(connect.forwarded, None);
    assert_eq!(
        connect.unread.forwarded,
        Some(ForwardedError::BadValue.into())
    );
}

#[test]
fn what_is_too_large_is_dropped() {
    let network = vec![b'n'; 256];
    let forwarded = [b"for=_".as_slice(), &[b'a'; 8192]].concat();
    let connect = read(&[("x-forwarded-network", &network), ("forwarded", &forwarded)]);
    assert_eq!(
        connect.unread.origin_network,
        Some(NetworkError::TooLong.into())
    );
    assert_eq!(
        connect.unread.forwarded,
        Some(ForwardedError::TooLong.into())
    );
    assert_eq!(
        read(&[("x-forwarded-network", &network[1..])])
            .origin_network
            .map(|name| name.as_str().len()),
        Some(255)
    );
}

#[test]
fn the_name_of_a_network_is_visible_ascii_without_a_comma() {
    let good = Network::parse("Net-1/eu_west.2:a").expect("a network");
    assert!(good.eq_ignore_ascii_case(&Network::parse("nET-1/EU_west.2:A").expect("a network")));
    assert_ne!(
        good,
        Network::parse("net-1/eu_west.2:a").expect("a network")
    );
    for bad in ["a,b", "a b", " a", "a\t", "a\0", "n\u{e9}t", "a\u{7f}"] {
        assert_eq!(
            Network::parse(bad),
            Err(NetworkError::BadCharacter),
            "{bad:?}"
        );
    }
}

#[test]
fn the_empty_network_is_not_the_same_as_none() {
    assert_eq!(read(&[]).origin_network, None);
    assert_eq!(
        read(&[("x-forwarded-network", b"")]).origin_network,
        Some(Network::EMPTY)
    );
}

#[test]
fn a_source_is_one_of_three_words_in_lower_case() {
    for source in [
        IstioSource::Gateway,
        IstioSource::Sidecar,
        IstioSource::Waypoint,
    ] {
        assert_eq!(
            read(&[("x-istio-source", source.as_str().as_bytes())]).source,
            Some(source)
        );
    }
    for other in ["", "Gateway", "ztunnel", "gateway ", "gateway,waypoint"] {
        let connect = read(&[("x-istio-source", other.as_bytes())]);
        assert_eq!(connect.source, None, "{other:?}");
        assert!(connect.unread.source.is_some());
    }
}

#[test]
fn unknown_headers_are_dropped_unless_asked_for() {
    let headers: [(&str, &[u8]); 3] = [("x-b", b"1"), ("x-a", b"\xff"), ("x-b", b"2")];
    assert!(read(&headers).unknown.is_empty());
    let parts = head("10.0.0.7:80", &headers);
    let kept = Connect::from_parts(&parts, ConnectOptions::new().with_keep_unknown(true))
        .expect("a CONNECT");
    let again = kept.to_request();
    assert_eq!(again.headers(), &parts.headers);
}

// [69] [71]
#[test]
fn headers_of_one_connection_or_message_are_never_kept_nor_sent() {
    let hop_by_hop: [(&str, &[u8]); 9] = [
        ("connection", b"close"),
        ("content-length", b"0"),
        ("keep-alive", b"5"),
        ("te", b"gzip"),
        ("trailer", b"x"),
        ("transfer-encoding", b"chunked"),
        ("upgrade", b"h2c"),
        ("proxy-connection", b"close"),
        ("proxy-authorization", b"secret"),
    ];
    let parts = head("10.0.0.7:80", &hop_by_hop);
    let mut connect = Connect::from_parts(&parts, ConnectOptions::new().with_keep_unknown(true))
        .expect("a CONNECT");
    assert!(connect.unknown.is_empty());
    connect.unknown = parts.headers;
    connect
        .unknown
        .insert("expect", HeaderValue::from_static("100-continue"));
    connect
        .unknown
        .insert("x-istio-source", HeaderValue::from_static("smuggled"));
    let sent = connect.to_request();
    assert_eq!(
        sent.headers()
            .keys()
            .map(HeaderName::as_str)
            .collect::<Vec<_>>(),
        ["expect"]
    );
}

#[test]
fn a_head_with_as_many_unknown_headers_as_a_map_holds_is_written_without_a_panic() {
    let mut connect = read(&[("baggage", b"a=1"), ("x-istio-source", b"gateway")]);
    let mut unknown = HeaderMap::new();
    for index in 0.. {
        let name = HeaderName::try_from(format!("x-{index}")).expect("a header name");
        if unknown
            .try_insert(name, HeaderValue::from_static(""))
            .is_err()
        {
            break;
        }
    }
    connect.unknown = unknown;
    let sent = connect.to_request();
    assert_eq!(
        sent.headers().get("baggage"),
        Some(&HeaderValue::from_static("a=1"))
    );
    assert_eq!(
        sent.headers().get("x-istio-source"),
        Some(&HeaderValue::from_static("gateway"))
    );
}

#[test]
fn a_request_is_a_plain_connect() {
    let authority: Authority = "[2001:db8::1]:80".parse().expect("an authority");
    let request = Connect::new(authority).to_request();
    assert_eq!(request.method(), Method::CONNECT);
    assert_eq!(request.version(), http::Version::HTTP_2);
    assert_eq!(
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str()),
        Some("[2001:db8::1]:80")
    );
    assert_eq!(request.uri().scheme(), None);
    assert_eq!(request.uri().path_and_query(), None);
    assert!(request.headers().is_empty());
}

#[test]
fn a_head_of_any_length_is_written_whole() {
    let host = ["a".repeat(63).as_str(); 3].join(".");
    let long: String = (0..20)
        .map(|index| format!("for=_{index}{},", "x".repeat(60)))
        .collect();
    let mut connect = Connect::new(format!("{host}:80").parse().expect("an authority"));
    connect.forwarded = Some(long.parse().expect("a list"));
    connect.traceparent = TRACEPARENT.parse().ok();
    let sent = connect.to_request().into_parts().0;
    assert_eq!(
        Connect::from_parts(&sent, ConnectOptions::default()),
        Ok(connect)
    );
}

proptest! {
    #[test]
    fn a_head_round_trips(
        host in "[a-z]{1,60}(\\.[a-z]{1,60}){0,3}", port in 1_u16..,
        baggage in proptest::collection::vec("[ -~]{0,30}", 0..4),
        hops in 0..8_usize, hop in "_[a-z]{1,60}",
        network in proptest::option::of("[!-+.-~-]{0,20}"),
        source in proptest::option::of(prop_oneof![Just(IstioSource::Gateway), Just(IstioSource::Sidecar), Just(IstioSource::Waypoint)]),
        traced: bool,
    ) {
        let mut connect = Connect::new(format!("{host}:{port}").parse().expect("an authority"));
        connect.baggage = baggage.iter().map(|line| HeaderValue::from_str(line).expect("a header value")).collect();
        connect.forwarded = vec![format!("for={hop};host=h"); hops].join(",").parse().ok();
        connect.origin_network = network.map(|name| name.parse().expect("a network"));
        connect.source = source;
        connect.traceparent = if traced { TRACEPARENT.parse().ok() } else { None };
        let sent = connect.to_request().into_parts().0;
        prop_assert_eq!(Connect::from_parts(&sent, ConnectOptions::default()), Ok(connect));
    }
}
