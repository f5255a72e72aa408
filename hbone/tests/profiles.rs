//! Which header stands on which hop, as observed of each implementation.

use std::num::{NonZeroU64, NonZeroU128};

use hbone::{
    Authority, Connect, Forwarded, HeaderValues, IstioSource, Network, Position, Profile, Telling,
    Traceparent,
};
use http::HeaderValue;

fn telling(network: &'static str) -> Telling {
    let mut telling = Telling::new();
    telling.baggage = HeaderValues::from(HeaderValue::from_static("k8s.cluster.name=c1"));
    telling.forwarded = "for=_x".parse::<Forwarded>().ok();
    telling.origin_network = network.parse::<Network>().ok();
    telling.source = Some(IstioSource::Waypoint);
    telling.traceparent = Some(Traceparent::new(NonZeroU128::MIN, NonZeroU64::MIN));
    telling
}

/// The names of the headers on the wire, in alphabetical order.
#[track_caller]
fn assert_sends(profile: Profile, position: Position, network: &'static str, expected: &[&str]) {
    let authority: Authority = "echo.default.svc:80".parse().expect("an authority");
    let connect: Connect = profile.connect(position, authority.clone(), &telling(network));
    assert_eq!(connect.authority, authority);
    let request = connect.to_request();
    let mut names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, expected, "{profile:?} {position:?}");
}

/// HBONE-D-005.
#[test]
fn ztunnel_tells_everything_but_a_source_and_the_network_on_the_inner_hop_only() {
    let usual = ["baggage", "forwarded", "traceparent"];
    let inner = ["baggage", "forwarded", "traceparent", "x-forwarded-network"];
    for network in ["net1", ""] {
        assert_sends(Profile::Ztunnel, Position::Single, network, &usual);
        assert_sends(Profile::Ztunnel, Position::ToWaypoint, network, &usual);
        assert_sends(Profile::Ztunnel, Position::Outer, network, &usual);
        assert_sends(Profile::Ztunnel, Position::Inner, network, &inner);
    }
}

#[test]
fn envoy_tells_the_gateway_its_source_and_the_destination_its_baggage() {
    for network in ["net1", ""] {
        assert_sends(Profile::Envoy, Position::Single, network, &["baggage"]);
        assert_sends(Profile::Envoy, Position::ToWaypoint, network, &["baggage"]);
        assert_sends(
            Profile::Envoy,
            Position::Outer,
            network,
            &["x-istio-source"],
        );
        assert_sends(
            Profile::Envoy,
            Position::Inner,
            network,
            &["baggage", "x-forwarded-network"],
        );
    }
}

#[test]
fn agentgateway_tells_a_waypoint_nothing_and_names_a_network_only_if_it_has_a_name() {
    let all = ["baggage", "x-forwarded-network", "x-istio-source"];
    assert_sends(Profile::Agentgateway, Position::Single, "net1", &all);
    assert_sends(Profile::Agentgateway, Position::Inner, "net1", &all);
    assert_sends(
        Profile::Agentgateway,
        Position::Outer,
        "net1",
        &["x-forwarded-network", "x-istio-source"],
    );
    assert_sends(Profile::Agentgateway, Position::ToWaypoint, "net1", &[]);
    assert_sends(
        Profile::Agentgateway,
        Position::Single,
        "",
        &["baggage", "x-istio-source"],
    );
    assert_sends(
        Profile::Agentgateway,
        Position::Inner,
        "",
        &["baggage", "x-istio-source"],
    );
    assert_sends(
        Profile::Agentgateway,
        Position::Outer,
        "",
        &["x-istio-source"],
    );
}

#[test]
fn the_empty_network_is_sent_as_an_empty_header() {
    let authority: Authority = "echo:80".parse().expect("an authority");
    let request = Profile::Ztunnel
        .connect(Position::Inner, authority, &telling(""))
        .to_request();
    assert_eq!(
        request.headers().get("x-forwarded-network"),
        Some(&HeaderValue::from_static(""))
    );
}

#[test]
fn nobody_tells_what_there_is_not_to_tell() {
    let authority: Authority = "echo:80".parse().expect("an authority");
    for profile in [Profile::Agentgateway, Profile::Envoy, Profile::Ztunnel] {
        for position in [
            Position::Single,
            Position::ToWaypoint,
            Position::Outer,
            Position::Inner,
        ] {
            let connect = profile.connect(position, authority.clone(), &Telling::new());
            assert_eq!(connect, Connect::new(authority.clone()));
            assert!(connect.to_request().headers().is_empty());
        }
    }
}
