use hbone::{
    Accept, AcceptedStatus, Answer, Authority, Connect, ConnectOptions, Forwarded, HeaderValues,
    IstioSource, Network, Position, Profile, Reject, Telling, Traceparent,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, request};

/// A head as lines, the first with method and target: each field is what its own reader makes of the one line that has it, what is sent
/// on is what was read and nothing of the hop's own, and a refusal has the reason that the head gives.
pub fn connect_head(data: &[u8]) {
    let mut lines = crate::lines(data).into_iter();
    let Some(parts) = lines.next().and_then(|first| head(first, lines)) else {
        return;
    };
    let plain = Connect::from_parts(&parts, ConnectOptions::new());
    let keep = ConnectOptions::new().with_keep_unknown(true);
    let kept = Connect::from_parts(&parts, keep);
    match (&plain, &kept) {
        (Ok(plain), Ok(kept)) => {
            let mut same = kept.clone();
            same.unknown = HeaderMap::new();
            assert_eq!(*plain, same);
            read_well(&parts, kept);
            sent_on(kept);
            told(kept);
        }
        (Err(one), Err(other)) => {
            assert_eq!(one, other);
            refused_rightly(&parts, one);
        }
        _ => panic!("{plain:?} is not {kept:?}"),
    }
    for most in [0, 2] {
        let limited = Connect::from_parts(&parts, ConnectOptions::new().with_max_forwarded(most));
        let proxies = forwarded(&parts.headers).map(|it| it.elements().len());
        match &plain {
            Ok(_) if proxies.is_some_and(|proxies| proxies > most) => {
                assert_eq!(limited, Err(Reject::Loop));
            }
            Ok(read) if limited == Err(Reject::Loop) => {
                let unread = read.unread.forwarded.expect("too long to be read");
                assert!(unread.to_string().contains("longer"), "{unread}");
            }
            _ => assert_eq!(limited, plain),
        }
    }
    answer(&parts.headers);
}

fn head<'a>(first: &[u8], lines: impl Iterator<Item = &'a [u8]>) -> Option<request::Parts> {
    let (method, target) = str::from_utf8(first).ok()?.split_once(' ')?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = target.parse::<Uri>().ok()?;
    for line in lines.take(200) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            request.headers_mut().append(name, value);
        }
    }
    Some(request.into_parts().0)
}

fn forwarded(headers: &HeaderMap) -> Option<Forwarded> {
    Forwarded::from_lines(headers.get_all("forwarded")).ok()
}

fn the_one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    match lines[..] {
        [line] => Some(line),
        _ => None,
    }
}

fn read_well(parts: &request::Parts, connect: &Connect) {
    let headers = &parts.headers;
    let authority = parts.uri.authority().expect("it was read");
    assert_eq!(
        Authority::parse(authority.as_str()).as_ref(),
        Ok(&connect.authority)
    );
    let baggage: Vec<_> = headers.get_all("baggage").iter().collect();
    assert_eq!(connect.baggage.iter().collect::<Vec<_>>(), baggage);
    assert_eq!(connect.baggage.is_empty(), !headers.contains_key("baggage"));
    assert_eq!(connect.forwarded, forwarded(headers));
    let network = the_one(headers, "x-forwarded-network");
    let network = network.and_then(|it| Network::from_header(it).ok());
    assert_eq!(connect.origin_network, network);
    let source = the_one(headers, "x-istio-source");
    let source = source.and_then(|it| IstioSource::from_header(it).ok());
    assert_eq!(connect.source, source);
    let trace = the_one(headers, "traceparent");
    let trace = trace.and_then(|it| Traceparent::from_header(it).ok());
    assert_eq!(connect.traceparent, trace);
    for (name, is_read, is_unread) in [
        (
            "forwarded",
            connect.forwarded.is_some(),
            connect.unread.forwarded.is_some(),
        ),
        (
            "x-forwarded-network",
            connect.origin_network.is_some(),
            connect.unread.origin_network.is_some(),
        ),
        (
            "x-istio-source",
            connect.source.is_some(),
            connect.unread.source.is_some(),
        ),
        (
            "traceparent",
            connect.traceparent.is_some(),
            connect.unread.traceparent.is_some(),
        ),
    ] {
        assert_eq!(headers.contains_key(name), is_read || is_unread, "{name}");
        assert!(!(is_read && is_unread), "{name}");
    }
    if let Some(host) = headers.get("host") {
        assert_eq!(headers.get_all("host").iter().count(), 1);
        let host = host.to_str().expect("it was read");
        let with_port = format!("{host}:{}", connect.authority.port());
        let named = Authority::parse(host).or_else(|_| Authority::parse(&with_port));
        assert_eq!(named.as_ref(), Ok(&connect.authority));
    }
}

/// Names that are taken from no head into another, and those with a field of their own.
const OF_THE_HOP: [&str; 10] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const OURS: [&str; 5] = [
    "baggage",
    "forwarded",
    "traceparent",
    "x-forwarded-network",
    "x-istio-source",
];

fn sent_on(connect: &Connect) {
    let (parts, ()) = connect.to_request().into_parts();
    assert_eq!(parts.method, Method::CONNECT);
    assert_eq!(parts.uri.to_string(), connect.authority.to_string());
    for name in parts.headers.keys() {
        assert!(!OF_THE_HOP.contains(&name.as_str()), "{name}");
        let known = OURS.contains(&name.as_str());
        assert!(known || connect.unknown.contains_key(name), "{name}");
    }
    let keep = ConnectOptions::new().with_keep_unknown(true);
    let again = Connect::from_parts(&parts, keep).expect("we wrote it");
    assert!(again.unread.is_empty());
    let mut expected = connect.clone();
    expected.unread = again.unread;
    assert_eq!(again, expected);
}

/// A profile says nothing that there is not to say, and what it says is read.
fn told(connect: &Connect) {
    let mut telling = Telling::new();
    telling.baggage = connect.baggage.clone();
    telling.forwarded.clone_from(&connect.forwarded);
    telling.origin_network.clone_from(&connect.origin_network);
    telling.source = connect.source;
    telling.traceparent = connect.traceparent;
    for profile in [Profile::Agentgateway, Profile::Envoy, Profile::Ztunnel] {
        for position in [
            Position::Single,
            Position::ToWaypoint,
            Position::Outer,
            Position::Inner,
        ] {
            let said = profile.connect(position, connect.authority.clone(), &telling);
            assert!(said.baggage.is_empty() || said.baggage == telling.baggage);
            assert!(said.forwarded.is_none() || said.forwarded == telling.forwarded);
            assert!(said.origin_network.is_none() || said.origin_network == telling.origin_network);
            assert!(
                said.origin_network.is_none()
                    || matches!(
                        position,
                        Position::Inner | Position::Outer | Position::Single
                    )
            );
            assert!(said.source.is_none() || said.source == telling.source);
            let (parts, ()) = said.to_request().into_parts();
            assert_eq!(Connect::from_parts(&parts, ConnectOptions::new()), Ok(said));
        }
    }
}

fn refused_rightly(parts: &request::Parts, reject: &Reject) {
    let Answer::Status(status) = reject.answer() else {
        panic!("a head is never refused as by a draining server: {reject:?}");
    };
    assert!(status.is_client_error(), "{status}");
    assert_eq!(reject.status(), status);
    let whole = parts.uri.scheme().is_some() || parts.uri.path_and_query().is_some();
    match reject {
        Reject::NotConnect => assert_ne!(parts.method, Method::CONNECT),
        Reject::MissingAuthority => assert!(parts.uri.authority().is_none()),
        Reject::ExtendedConnect => assert!(whole),
        Reject::HostMismatch => assert!(parts.headers.contains_key("host")),
        Reject::BadAuthority(error) => {
            let authority = parts.uri.authority().expect("there is one");
            assert_eq!(Authority::parse(authority.as_str()).as_ref(), Err(error));
        }
        other => panic!("{other:?}"),
    }
}

/// The answer that carries the same baggage.
fn answer(headers: &HeaderMap) {
    let lines: HeaderValues = headers.get_all("baggage").iter().cloned().collect();
    let accept = Accept::new(lines);
    let (mut parts, ()) = accept.to_response().into_parts();
    for accepted in [AcceptedStatus::Only200, AcceptedStatus::Any2xx] {
        assert_eq!(Accept::from_parts(&parts, accepted).as_ref(), Ok(&accept));
    }
    for status in [100, 199, 201, 204, 299, 302, 400, 403, 431, 503, 599] {
        parts.status = status.try_into().expect("a status");
        let refused = Accept::from_parts(&parts, AcceptedStatus::Only200).expect_err("not 200");
        assert_eq!(refused.status(), parts.status);
        assert!(refused.to_string().contains(&status.to_string()));
        let any = Accept::from_parts(&parts, AcceptedStatus::Any2xx);
        assert_eq!(any.is_ok(), (200..300).contains(&status));
    }
    let empty = Response::new(()).into_parts().0;
    assert!(
        Accept::from_parts(&empty, AcceptedStatus::Only200).is_ok_and(|it| it.baggage.is_empty())
    );
}
