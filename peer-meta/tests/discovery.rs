//! The ordered methods of every place, and what is and is not a hit.

mod world;

use std::sync::Arc;

use baggage::istio::PeerAttributes;
use peer_meta::{
    Attributes, Carrier, Claimed, DirectoryEntry, Discovery, ExchangeConfig, Method, Place, Role,
    Side, Target,
};
use world::{epoch, ip, seconds, workload};

const BAGGAGE: Method = Method::Claim(Carrier::Baggage);
const HEADERS: Method = Method::Claim(Carrier::IstioHeaders);
const ALPN: Method = Method::Claim(Carrier::AlpnExchange);

fn downstream(place: Place, origin: Option<&[u8]>) -> Discovery {
    let config = ExchangeConfig::new();
    Discovery::downstream(
        place,
        &config,
        Arc::from("here"),
        ip("10.0.0.1"),
        origin,
        None,
    )
}

fn upstream(place: Place, target: Target) -> Discovery {
    Discovery::upstream(
        place,
        &ExchangeConfig::new(),
        Arc::from("here"),
        target,
        None,
    )
}

fn claim(name: &str) -> Option<Claimed<PeerAttributes>> {
    Some(Claimed::new(workload(name, "c")))
}

fn entry(name: &str, network: &str) -> Option<DirectoryEntry> {
    Some(DirectoryEntry::new(workload(name, "c"), network))
}

/// Tells a different name by each method, all of them, and says which one won.
fn winner(mut discovery: Discovery) -> Option<Method> {
    discovery.handle_endpoint(Some(workload("endpoint", "c")));
    discovery.handle_claim(Carrier::Baggage, claim("baggage"));
    discovery.handle_claim(Carrier::IstioHeaders, claim("headers"));
    discovery.handle_claim(Carrier::AlpnExchange, claim("alpn"));
    if let Some(address) = discovery.poll_lookup() {
        discovery.handle_lookup(address, entry("directory", "here"));
    }
    assert!(discovery.is_settled());
    discovery.found().map(|(method, _)| method)
}

/// Answers a miss to each method in order, and lists in which order they were waited for.
fn order(mut discovery: Discovery) -> Vec<Method> {
    let mut order = Vec::new();
    for method in [Method::Directory, BAGGAGE, HEADERS, ALPN, Method::Endpoint] {
        if discovery.awaits(method) {
            order.push(method);
        }
    }
    for method in &order {
        match method {
            Method::Claim(carrier) => discovery.handle_claim(*carrier, None),
            Method::Directory => {
                let address = discovery.poll_lookup().unwrap();
                discovery.handle_lookup(address, None)
            }
            _ => discovery.handle_endpoint(None),
        };
    }
    assert!(discovery.is_settled());
    assert_eq!(discovery.found(), None);
    order
}

const HERE: Target = Target::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)));

#[test]
fn node_proxy_inbound_believes_the_directory_before_baggage() {
    assert_eq!(
        order(downstream(Place::NodeInbound, None)),
        [Method::Directory, BAGGAGE]
    );
    assert_eq!(
        winner(downstream(Place::NodeInbound, None)),
        Some(Method::Directory)
    );
}

#[test]
fn node_proxy_outbound_believes_the_directory_before_the_answer() {
    assert_eq!(
        order(upstream(Place::NodeOutbound, HERE)),
        [Method::Directory, BAGGAGE]
    );
    assert_eq!(
        winner(upstream(Place::NodeOutbound, HERE)),
        Some(Method::Directory)
    );
}

#[test]
fn node_proxy_outbound_to_another_network_has_only_the_answer() {
    assert_eq!(
        order(upstream(Place::NodeOutbound, Target::OtherNetwork)),
        [BAGGAGE]
    );
    assert_eq!(
        winner(upstream(Place::NodeOutbound, Target::OtherNetwork)),
        Some(BAGGAGE)
    );
}

#[test]
fn waypoint_downstream_believes_the_directory_before_baggage() {
    assert_eq!(
        order(downstream(Place::WaypointDownstream, None)),
        [Method::Directory, BAGGAGE]
    );
    assert_eq!(
        winner(downstream(Place::WaypointDownstream, None)),
        Some(Method::Directory)
    );
}

#[test]
fn waypoint_and_ingress_upstream_believe_directory_then_answer_then_endpoint() {
    for place in [Place::WaypointUpstream, Place::IngressUpstream] {
        assert_eq!(
            order(upstream(place, HERE)),
            [Method::Directory, BAGGAGE, Method::Endpoint]
        );
        assert_eq!(winner(upstream(place, HERE)), Some(Method::Directory));
        let mut missed = upstream(place, HERE);
        missed.handle_lookup(ip("10.0.0.2"), None);
        assert_eq!(winner(missed), Some(BAGGAGE));
        let mut silent = upstream(place, HERE);
        silent.handle_lookup(ip("10.0.0.2"), None);
        silent.handle_claim(Carrier::Baggage, None);
        assert_eq!(winner(silent), Some(Method::Endpoint));
    }
}

#[test]
fn waypoint_and_ingress_take_no_endpoint_for_another_network_since_that_is_the_gateway() {
    for place in [Place::WaypointUpstream, Place::IngressUpstream] {
        assert_eq!(order(upstream(place, Target::OtherNetwork)), [BAGGAGE]);
    }
}

#[test]
fn gateway_learns_the_outer_peer_and_relays_to_an_endpoint() {
    assert_eq!(
        order(downstream(Place::GatewayDownstream, None)),
        [Method::Directory, BAGGAGE]
    );
    assert_eq!(
        order(upstream(Place::GatewayUpstream, HERE)),
        [Method::Directory, Method::Endpoint]
    );
    assert_eq!(
        winner(upstream(Place::GatewayUpstream, HERE)),
        Some(Method::Directory)
    );
}

#[test]
fn sidecars_believe_the_carriers_of_their_era_before_the_directory() {
    assert_eq!(
        winner(downstream(Place::SidecarInboundHttp, None)),
        Some(HEADERS)
    );
    assert_eq!(
        winner(upstream(Place::SidecarOutboundHttp, HERE)),
        Some(HEADERS)
    );
    assert_eq!(winner(upstream(Place::SidecarTcp, HERE)), Some(ALPN));
    let mut without = upstream(Place::SidecarTcp, HERE);
    without.handle_claim(Carrier::AlpnExchange, None);
    assert_eq!(winner(without), Some(Method::Directory));
    let mut without = downstream(Place::SidecarInboundHttp, None);
    without.handle_claim(Carrier::IstioHeaders, None);
    assert_eq!(winner(without), Some(Method::Directory));
}

#[test]
fn every_side_of_every_role_has_its_place_or_none() {
    let table = [
        (Role::DestinationNodeProxy, Some(Place::NodeInbound), None),
        (
            Role::EastWestGateway,
            Some(Place::GatewayDownstream),
            Some(Place::GatewayUpstream),
        ),
        (Role::IngressGateway, None, Some(Place::IngressUpstream)),
        (Role::SourceNodeProxy, None, Some(Place::NodeOutbound)),
        (
            Role::Waypoint,
            Some(Place::WaypointDownstream),
            Some(Place::WaypointUpstream),
        ),
    ];
    for (role, down, up) in table {
        assert_eq!(
            (
                Place::of(role, Side::Downstream),
                Place::of(role, Side::Upstream)
            ),
            (down, up)
        );
        assert_eq!(
            (role.has_downstream(), role.has_upstream()),
            (down.is_some(), up.is_some())
        );
    }
}

/// HBONE-X-003.
#[test]
fn a_peer_from_another_network_is_never_looked_up() {
    for place in [
        Place::NodeInbound,
        Place::WaypointDownstream,
        Place::GatewayDownstream,
    ] {
        let mut discovery = downstream(place, Some(b"there"));
        assert_eq!(discovery.poll_lookup(), None);
        assert!(
            !discovery.handle_lookup(ip("10.0.0.1"), entry("colliding", "here")),
            "{place:?} was not asked"
        );
        assert_eq!(order(discovery), [BAGGAGE]);
    }
}

#[test]
fn an_empty_network_is_a_network_and_not_ours() {
    assert_eq!(order(downstream(Place::NodeInbound, Some(b""))), [BAGGAGE]);
    assert_eq!(
        order(downstream(Place::WaypointDownstream, Some(b""))),
        [BAGGAGE]
    );
}

#[test]
fn an_empty_network_is_ours_if_ours_is_empty() {
    let config = ExchangeConfig::new();
    let mut discovery = Discovery::downstream(
        Place::NodeInbound,
        &config,
        Arc::from(""),
        ip("10.0.0.1"),
        Some(b""),
        None,
    );
    assert_eq!(discovery.poll_lookup(), Some(ip("10.0.0.1")));
}

#[test]
fn our_own_network_named_is_as_good_as_none_named() {
    assert_eq!(
        order(downstream(Place::NodeInbound, Some(b"here"))),
        [Method::Directory, BAGGAGE]
    );
    assert_eq!(
        order(downstream(Place::WaypointDownstream, Some(b"here"))),
        [Method::Directory, BAGGAGE]
    );
}

#[test]
fn node_proxies_ignore_the_case_of_a_network_and_waypoints_do_not() {
    assert_eq!(
        order(downstream(Place::NodeInbound, Some(b"HERE"))),
        [Method::Directory, BAGGAGE]
    );
    assert_eq!(
        order(downstream(Place::WaypointDownstream, Some(b"HERE"))),
        [BAGGAGE]
    );
    assert_eq!(
        order(downstream(Place::GatewayDownstream, Some(b"HERE"))),
        [BAGGAGE]
    );
}

#[test]
fn a_network_in_odd_bytes_is_another_network() {
    assert_eq!(
        order(downstream(Place::NodeInbound, Some(b"her\xc3\xa9"))),
        [BAGGAGE]
    );
    assert_eq!(
        order(downstream(Place::NodeInbound, Some(b"here "))),
        [BAGGAGE]
    );
}

#[test]
fn a_directory_entry_of_another_network_is_a_miss() {
    let mut discovery = downstream(Place::NodeInbound, None);
    assert!(discovery.handle_lookup(ip("10.0.0.1"), entry("colliding", "there")));
    assert!(!discovery.is_settled());
    discovery.handle_claim(Carrier::Baggage, claim("told"));
    assert_eq!(
        discovery.found(),
        Some((BAGGAGE, &Attributes::Claimed(claim("told").unwrap())))
    );
}

#[test]
fn a_directory_entry_is_compared_by_its_exact_network() {
    let mut discovery = downstream(Place::NodeInbound, None);
    discovery.handle_lookup(ip("10.0.0.1"), entry("colliding", "HERE"));
    discovery.handle_claim(Carrier::Baggage, None);
    assert_eq!(discovery.found(), None);
}

#[test]
fn a_lookup_is_handed_out_once_and_in_canonical_form() {
    let mapped = ip("::ffff:10.0.0.1");
    let config = ExchangeConfig::new();
    let mut discovery = Discovery::downstream(
        Place::NodeInbound,
        &config,
        Arc::from("here"),
        mapped,
        None,
        None,
    );
    assert_eq!(discovery.poll_lookup(), Some(ip("10.0.0.1")));
    assert_eq!(discovery.poll_lookup(), None);
    assert!(discovery.handle_lookup(ip("10.0.0.1"), entry("a", "here")));
}

#[test]
fn an_answer_about_another_address_is_nobodys() {
    let mut discovery = downstream(Place::NodeInbound, None);
    assert!(!discovery.handle_lookup(ip("10.0.0.7"), entry("other", "here")));
    assert!(!discovery.handle_lookup(ip("10.0.0.7"), None));
    assert_eq!(discovery.poll_lookup(), Some(ip("10.0.0.1")));
    assert!(discovery.handle_lookup(ip("10.0.0.1"), entry("peer", "here")));
}

#[test]
fn a_hit_waits_for_what_stands_before_it_and_not_for_what_stands_after() {
    let mut discovery = upstream(Place::WaypointUpstream, HERE);
    discovery.handle_claim(Carrier::Baggage, claim("told"));
    assert!(!discovery.is_settled());
    assert_eq!(discovery.found(), None, "not before it is settled");
    discovery.handle_lookup(ip("10.0.0.2"), None);
    assert!(discovery.is_settled());
    assert_eq!(discovery.found().map(|(method, _)| method), Some(BAGGAGE));
}

#[test]
fn the_first_answer_of_a_method_counts() {
    let mut discovery = downstream(Place::NodeInbound, None);
    assert!(discovery.handle_claim(Carrier::Baggage, claim("first")));
    assert!(!discovery.handle_claim(Carrier::Baggage, claim("second")));
    discovery.handle_lookup(ip("10.0.0.1"), None);
    assert_eq!(
        discovery.found(),
        Some((BAGGAGE, &Attributes::Claimed(claim("first").unwrap())))
    );
}

#[test]
fn a_settled_discovery_takes_nothing_more() {
    let mut discovery = downstream(Place::NodeInbound, None);
    discovery.handle_lookup(ip("10.0.0.1"), entry("known", "here"));
    assert!(!discovery.handle_claim(Carrier::Baggage, claim("late")));
    assert!(!discovery.handle_lookup(ip("10.0.0.1"), entry("again", "here")));
    assert_eq!(
        discovery.found(),
        Some((
            Method::Directory,
            &Attributes::Directory(workload("known", "c"))
        ))
    );
}

#[test]
fn at_the_deadline_an_unanswered_lookup_is_a_miss_and_later_answers_are_late() {
    let now = epoch();
    let config = ExchangeConfig::new();
    let network = Arc::from("here");
    let mut discovery = Discovery::downstream(
        Place::NodeInbound,
        &config,
        network,
        ip("10.0.0.1"),
        None,
        Some(now + seconds(5)),
    );
    discovery.handle_claim(Carrier::Baggage, claim("told"));
    assert_eq!(discovery.poll_timeout(), Some(now + seconds(5)));
    discovery.handle_timeout(now + seconds(4));
    assert!(!discovery.is_settled());
    discovery.handle_timeout(now + seconds(5));
    assert_eq!(discovery.found().map(|(method, _)| method), Some(BAGGAGE));
    assert_eq!(discovery.poll_timeout(), None);
    assert!(!discovery.handle_lookup(ip("10.0.0.1"), entry("late", "here")));
    assert_eq!(discovery.found().map(|(method, _)| method), Some(BAGGAGE));
    discovery.handle_timeout(now + seconds(6));
    assert_eq!(discovery.found().map(|(method, _)| method), Some(BAGGAGE));
}

#[test]
fn nothing_is_looked_up_any_more_once_the_deadline_has_passed() {
    let now = epoch();
    let config = ExchangeConfig::new();
    let network = Arc::from("here");
    let mut discovery = Discovery::downstream(
        Place::NodeInbound,
        &config,
        network,
        ip("10.0.0.1"),
        None,
        Some(now),
    );
    discovery.handle_timeout(now);
    assert_eq!(discovery.poll_lookup(), None);
    assert!(discovery.is_settled());
}

#[test]
fn without_a_directory_none_is_asked() {
    let config = ExchangeConfig::new().with_directory(false);
    let mut discovery = Discovery::downstream(
        Place::NodeInbound,
        &config,
        Arc::from("here"),
        ip("10.0.0.1"),
        None,
        None,
    );
    assert_eq!(discovery.poll_lookup(), None);
    discovery.handle_claim(Carrier::Baggage, claim("told"));
    assert_eq!(discovery.found().map(|(method, _)| method), Some(BAGGAGE));
}

#[test]
fn fields_of_two_methods_are_never_mixed() {
    let bare = PeerAttributes::builder().namespace("shop").build();
    let mut discovery = downstream(Place::NodeInbound, None);
    discovery.handle_claim(Carrier::Baggage, claim("told"));
    discovery.handle_lookup(
        ip("10.0.0.1"),
        Some(DirectoryEntry::new(bare.clone(), "here")),
    );
    assert_eq!(
        discovery.found(),
        Some((Method::Directory, &Attributes::Directory(bare)))
    );
}
