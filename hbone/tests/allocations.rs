//! The work of a head is paid once an identity, not once a tunnel: how often the allocator is asked.

use std::hint::black_box;

use allocation_counter::measure;
use hbone::{
    Accept, AcceptedStatus, Authority, Connect, ConnectOptions, Forwarded, HeaderValues, Hostname,
    IstioSource, Network, Position, Profile, Telling, Traceparent,
};
use http::{HeaderValue, request};

const MOST: u64 = 3;

/// All that ztunnel and Envoy ever say, in one.
fn telling() -> Telling {
    let service = Hostname::parse("echo.default.svc.cluster.local").expect("a host name");
    let mut telling = Telling::new();
    telling.baggage = shared(
        "k8s.cluster.name=c1,k8s.namespace.name=default,k8s.deployment.name=cli,service.name=cli",
    )
    .into();
    telling.forwarded = Some(Forwarded::client(
        ([10, 1, 2, 3], 47111).into(),
        Some(&service),
    ));
    telling.origin_network = Network::from_header(&shared("network-1")).ok();
    telling.source = Some(IstioSource::Waypoint);
    telling.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        .parse::<Traceparent>()
        .ok();
    telling
}

/// A value whose bytes are reference-counted already, as those are that come from `h2` or from a cache.
fn shared(text: &str) -> HeaderValue {
    let value = HeaderValue::from_str(text).expect("a header value");
    black_box(value.clone());
    value
}

fn full(authority: &str) -> Connect {
    let authority: Authority = authority.parse().expect("an authority");
    let telling = telling();
    let mut connect = Profile::Ztunnel.connect(Position::Inner, authority, &telling);
    connect.source = telling.source;
    connect
}

/// The head as it arrives: each value in reference-counted bytes.
fn arrived(connect: &Connect) -> request::Parts {
    let (parts, ()) = connect.to_request().into_parts();
    black_box(parts.headers.clone());
    parts
}

#[test]
fn building_a_full_head_takes_three_allocations_at_most() {
    for authority in [
        "10.0.0.7:80",
        "[2001:db8::1]:80",
        "echo.default.svc.cluster.local:8080",
    ] {
        let connect = full(authority);
        let count = measure(|| drop(black_box(connect.to_request()))).count_total;
        assert!(count <= MOST, "{authority}: {count}");
    }
}

#[test]
fn parsing_a_full_head_takes_three_allocations_at_most() {
    for authority in [
        "10.0.0.7:80",
        "[2001:db8::1]:80",
        "Echo.Default.svc.cluster.local:8080",
        "echo.default.svc.cluster.local:8080",
    ] {
        let mut parts = arrived(&full("10.0.0.7:80"));
        parts.uri = authority.parse().expect("a URI");
        let count = measure(|| {
            drop(black_box(Connect::from_parts(
                &parts,
                ConnectOptions::default(),
            )));
        })
        .count_total;
        assert!(count <= MOST, "{authority}: {count}");
    }
}

#[test]
fn parsing_what_istios_envoy_sends_to_an_address_takes_none() {
    let authority: Authority = "10.0.0.7:80".parse().expect("an authority");
    let parts = arrived(&Profile::Envoy.connect(Position::Inner, authority, &telling()));
    let count = measure(|| {
        drop(black_box(Connect::from_parts(
            &parts,
            ConnectOptions::default(),
        )));
    })
    .count_total;
    assert_eq!(count, 0);
}

#[test]
fn no_line_or_one_takes_no_allocation_and_neither_does_any_clone() {
    let line = shared("a=1");
    let several: HeaderValues = [line.clone(), line.clone(), line.clone()]
        .into_iter()
        .collect();
    let info = measure(|| {
        black_box(HeaderValues::new().clone());
        black_box(HeaderValues::from(line.clone()).clone());
        black_box(std::iter::once(line.clone()).collect::<HeaderValues>());
        black_box(several.clone());
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn an_answer_with_baggage_takes_two_allocations_to_build_and_none_to_parse() {
    let accept = Accept::new(shared("k8s.cluster.name=c2").into());
    let built = measure(|| drop(black_box(accept.to_response()))).count_total;
    assert!(built <= 2, "{built}");
    let (parts, ()) = accept.to_response().into_parts();
    let parsed = measure(|| {
        drop(black_box(Accept::from_parts(
            &parts,
            AcceptedStatus::Only200,
        )));
    })
    .count_total;
    assert_eq!(parsed, 0);
}
