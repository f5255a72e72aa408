//! What an exchange tells, learns and keeps, and when it is settled.

mod world;

use std::sync::Arc;

use baggage::istio::{Dialect, PeerAttributes};
use http::{HeaderValue, StatusCode};
use peer_meta::{
    Attributes, DirectoryEntry, Exchange, ExchangeConfig, Hop, Message, Origin, Own, Role, Side,
    Target, stripped,
};
use world::{NO_LINES, epoch, exchange, id, ip, line, name_of, own, seconds, workload};

const HERE: Target = Target::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)));

fn source() -> Exchange {
    exchange(Role::SourceNodeProxy, ExchangeConfig::new(), epoch())
}

fn destination() -> Exchange {
    exchange(Role::DestinationNodeProxy, ExchangeConfig::new(), epoch())
}

fn waypoint() -> Exchange {
    exchange(Role::Waypoint, ExchangeConfig::new(), epoch())
}

fn entry(name: &str) -> Option<DirectoryEntry> {
    Some(DirectoryEntry::new(workload(name, "c1"), "here"))
}

#[test]
fn our_baggage_is_written_in_the_dialect_asked_for() {
    let value = source().request_baggage(Hop::Single).unwrap();
    assert_eq!(
        value,
        "k8s.cluster.name=c1,k8s.namespace.name=own-ns,k8s.deployment.name=own-v1,service.name=own,\
         service.version=v1,cloud.region=c1-r,cloud.availability_zone=c1-z"
    );
}

#[test]
fn a_workload_with_nothing_to_tell_sends_no_header_rather_than_an_empty_one() {
    let nobody = Arc::new(Own::new(
        PeerAttributes::default(),
        Dialect::Ztunnel,
        "here",
    ));
    let config = ExchangeConfig::new();
    let source = Exchange::new(Role::SourceNodeProxy, &config, Arc::clone(&nobody), epoch());
    assert_eq!(source.request_baggage(Hop::Single), None);
    let destination = Exchange::new(Role::DestinationNodeProxy, &config, nobody, epoch());
    assert_eq!(destination.response_baggage(StatusCode::OK), None);
}

#[test]
fn only_exactly_200_carries_a_node_proxys_baggage() {
    for status in [
        StatusCode::CREATED,
        StatusCode::NO_CONTENT,
        StatusCode::UNAUTHORIZED,
        StatusCode::SERVICE_UNAVAILABLE,
    ] {
        assert_eq!(destination().response_baggage(status), None, "{status}");
    }
    assert!(destination().response_baggage(StatusCode::OK).is_some());
}

/// HBONE-D-006.
#[test]
fn the_gateways_answer_never_labels_the_destination() {
    let mut source = source();
    source.dial(Target::OtherNetwork, epoch());
    source.handle_connected(Hop::Outer, Some(id("gateway")));
    source.handle_response(Hop::Outer, &line("k8s.pod.name=gateway"));
    assert!(!source.is_settled());
    source.handle_connected(Hop::Inner, Some(id("server")));
    source.handle_response(Hop::Inner, NO_LINES);
    assert!(source.is_settled());
    assert_eq!(source.upstream().attributes(), &Attributes::Unknown);
    assert_eq!(source.upstream().identity(), Some(&*id("server")));
    assert_eq!(name_of(source.gateway()), Some("gateway"));
    assert_eq!(source.gateway().identity(), Some(&*id("gateway")));
}

/// HBONE-X-004.
#[test]
fn the_inner_answer_labels_the_destination_whichever_answer_comes_first() {
    let mut source = source();
    source.dial(Target::OtherNetwork, epoch());
    source.handle_response(Hop::Inner, &line("k8s.pod.name=server"));
    source.handle_response(Hop::Outer, &line("k8s.pod.name=gateway"));
    assert_eq!(name_of(source.upstream()), Some("server"));
}

#[test]
fn an_answer_on_a_hop_that_the_way_does_not_have_is_nobodys() {
    let mut direct = source();
    direct.dial(HERE, epoch());
    direct.handle_lookup(Side::Upstream, ip("10.0.0.2"), None);
    direct.handle_connected(Hop::Inner, Some(id("odd")));
    direct.handle_response(Hop::Inner, &line("k8s.pod.name=odd"));
    assert!(!direct.is_settled());
    direct.handle_connected(Hop::Outer, Some(id("odd")));
    direct.handle_response(Hop::Outer, &line("k8s.pod.name=odd"));
    assert_eq!(
        (name_of(direct.gateway()), direct.gateway().identity()),
        (None, None)
    );
    let mut double = source();
    double.dial(Target::OtherNetwork, epoch());
    double.handle_connected(Hop::Single, Some(id("odd")));
    double.handle_response(Hop::Single, &line("k8s.pod.name=odd"));
    assert!(!double.is_settled());
    for exchange in [direct, double] {
        assert_eq!(exchange.upstream().identity(), None);
        assert_eq!(name_of(exchange.upstream()), None);
    }
}

#[test]
fn a_destination_across_networks_is_never_looked_up() {
    for role in [Role::SourceNodeProxy, Role::Waypoint, Role::IngressGateway] {
        let mut exchange = exchange(role, ExchangeConfig::new(), epoch());
        exchange.dial(Target::OtherNetwork, epoch());
        assert_eq!(exchange.poll_lookup(), None, "{role:?}");
        exchange.handle_lookup(Side::Upstream, ip("10.0.0.2"), entry("colliding"));
        exchange.handle_endpoint(Some(workload("gateway", "c2")));
        exchange.handle_response(Hop::Inner, NO_LINES);
        assert_eq!(name_of(exchange.upstream()), None, "{role:?}");
    }
}

#[test]
fn a_directory_hit_waits_for_the_identity_before_the_party_is_settled() {
    let mut source = source();
    source.dial(HERE, epoch());
    assert_eq!(source.poll_lookup(), Some((Side::Upstream, ip("10.0.0.2"))));
    source.handle_lookup(Side::Upstream, ip("10.0.0.2"), entry("server"));
    assert!(!source.is_settled(), "TLS has not spoken yet");
    source.handle_connected(Hop::Single, Some(id("server")));
    assert!(source.is_settled());
    assert_eq!(source.upstream().identity(), Some(&*id("server")));
    assert_eq!(source.upstream().provenance().attributes, Origin::Directory);
}

#[test]
fn a_single_hops_answer_is_believed_where_the_directory_has_nothing() {
    let mut source = source();
    source.dial(HERE, epoch());
    source.handle_connected(Hop::Single, Some(id("server")));
    source.handle_response(Hop::Single, &line("k8s.pod.name=server"));
    assert!(!source.is_settled());
    source.handle_lookup(Side::Upstream, ip("10.0.0.2"), None);
    assert_eq!(name_of(source.upstream()), Some("server"));
    assert_eq!(source.upstream().provenance().attributes, Origin::Claim);
}
/// HBONE-G-008.

#[test]
fn a_caller_is_settled_by_its_request_alone_if_it_comes_from_elsewhere() {
    let mut destination = destination();
    destination.handle_accepted(Some(id("client")));
    destination.handle_request(ip("10.0.0.1"), Some(b"there"), &line("k8s.job.name=client"));
    assert!(destination.is_settled());
    assert_eq!(name_of(destination.downstream()), Some("client"));
    assert_eq!(destination.downstream().provenance().identity, Origin::Tls);
}

#[test]
fn the_directorys_word_about_a_caller_replaces_its_own_whole() {
    let mut destination = destination();
    destination.handle_request(
        ip("10.0.0.1"),
        None,
        &line("k8s.job.name=liar,cloud.region=mars"),
    );
    destination.handle_lookup(Side::Downstream, ip("10.0.0.1"), entry("client"));
    let known = destination.downstream().for_telemetry().unwrap();
    assert_eq!(known, &workload("client", "c1"));
}

/// HBONE-X-005.
#[test]
fn a_directory_entry_whose_identity_is_not_the_proved_one_is_somebody_else() {
    let mut destination = destination();
    destination.handle_accepted(Some(id("client")));
    destination.handle_request(ip("10.0.0.1"), None, &line("k8s.job.name=client"));
    let other =
        DirectoryEntry::new(workload("colliding", "c1"), "here").with_identity(id("colliding"));
    destination.handle_lookup(Side::Downstream, ip("10.0.0.1"), Some(other));
    assert!(destination.is_settled());
    assert_eq!(name_of(destination.downstream()), Some("client"));
}

#[test]
fn a_directory_entry_whose_identity_is_the_proved_one_is_a_hit() {
    let mut destination = destination();
    destination.handle_accepted(Some(id("client")));
    destination.handle_request(ip("10.0.0.1"), None, &line("k8s.job.name=liar"));
    let entry = DirectoryEntry::new(workload("client", "c1"), "here").with_identity(id("client"));
    destination.handle_lookup(Side::Downstream, ip("10.0.0.1"), Some(entry));
    assert_eq!(name_of(destination.downstream()), Some("client-v1"));
}

/// HBONE-X-005.
#[test]
fn nor_is_it_whom_we_call_whichever_comes_first_the_entry_or_the_handshake() {
    let colliding = || {
        let entry = DirectoryEntry::new(workload("colliding", "c1"), "here");
        Some(entry.with_identity(id("colliding")))
    };
    for entry_first in [true, false] {
        let mut source = source();
        source.dial(HERE, epoch());
        if entry_first {
            source.handle_lookup(Side::Upstream, ip("10.0.0.2"), colliding());
        }
        source.handle_connected(Hop::Single, Some(id("server")));
        if !entry_first {
            source.handle_lookup(Side::Upstream, ip("10.0.0.2"), colliding());
        }
        assert!(!source.is_settled(), "its answer may still tell");
        source.handle_response(Hop::Single, &line("k8s.pod.name=server"));
        assert_eq!(name_of(source.upstream()), Some("server"));
        assert_eq!(source.upstream().identity(), Some(&*id("server")));
    }
}

#[test]
fn an_entry_about_whom_we_call_counts_where_the_handshake_proves_it_or_nothing() {
    let server = || {
        let entry = DirectoryEntry::new(workload("server", "c1"), "here");
        Some(entry.with_identity(id("server")))
    };
    for proved in [Some(id("server")), None] {
        let mut source = source();
        source.dial(HERE, epoch());
        source.handle_lookup(Side::Upstream, ip("10.0.0.2"), server());
        source.handle_lookup(Side::Upstream, ip("10.0.0.2"), entry("second"));
        assert_eq!(source.poll_lookup(), None, "it was answered");
        source.handle_connected(Hop::Single, proved);
        assert!(source.is_settled());
        assert_eq!(name_of(source.upstream()), Some("server-v1"));
    }
    let mut failed = source();
    failed.dial(HERE, epoch());
    failed.handle_lookup(Side::Upstream, ip("10.0.0.2"), server());
    failed.handle_closed(Side::Upstream);
    assert_eq!(name_of(failed.upstream()), Some("server-v1"));
}

/// HBONE-X-007.
#[test]
fn an_applications_own_baggage_names_no_peer() {
    let mut destination = destination();
    destination.handle_request(
        ip("10.0.0.1"),
        Some(b"there"),
        &line("userId=alice,serverNode=DF%2028"),
    );
    assert!(destination.is_settled());
    assert_eq!(destination.downstream().attributes(), &Attributes::Unknown);
}

#[test]
fn all_baggage_lines_are_read() {
    let lines = [
        HeaderValue::from_static("x=1"),
        HeaderValue::from_static("k8s.pod.name=second"),
    ];
    let mut destination = destination();
    destination.handle_request(ip("10.0.0.1"), Some(b"there"), &lines);
    assert_eq!(name_of(destination.downstream()), Some("second"));
}

#[test]
fn of_two_requests_on_one_exchange_the_first_counts() {
    let mut destination = destination();
    destination.handle_accepted(Some(id("first")));
    destination.handle_request(ip("10.0.0.1"), None, &line("k8s.pod.name=first"));
    destination.handle_accepted(Some(id("second")));
    destination.handle_request(ip("10.0.0.9"), Some(b"there"), &line("k8s.pod.name=second"));
    assert_eq!(
        destination.poll_lookup(),
        Some((Side::Downstream, ip("10.0.0.1")))
    );
    destination.handle_lookup(Side::Downstream, ip("10.0.0.1"), None);
    assert_eq!(name_of(destination.downstream()), Some("first"));
    assert_eq!(destination.downstream().identity(), Some(&*id("first")));
}

#[test]
fn another_attempt_forgets_what_the_earlier_one_taught() {
    let mut source = source();
    source.dial(Target::OtherNetwork, epoch());
    source.handle_connected(Hop::Outer, Some(id("gateway")));
    source.handle_response(Hop::Outer, &line("k8s.pod.name=gateway"));
    source.handle_connected(Hop::Inner, Some(id("first")));
    source.dial(HERE, epoch());
    assert_eq!(source.upstream().identity(), None);
    assert_eq!(source.gateway().identity(), None);
    assert_eq!(name_of(source.gateway()), None);
    source.handle_connected(Hop::Single, Some(id("second")));
    source.handle_lookup(Side::Upstream, ip("10.0.0.2"), entry("second"));
    assert_eq!(name_of(source.upstream()), Some("second-v1"));
    assert_eq!(source.upstream().identity(), Some(&*id("second")));
}

#[test]
fn the_directorys_answer_about_an_earlier_attempt_is_not_about_this_one() {
    for late in [entry("first"), None] {
        let mut source = source();
        source.dial(Target::Address(ip("10.0.0.1")), epoch());
        assert_eq!(source.poll_lookup(), Some((Side::Upstream, ip("10.0.0.1"))));
        source.dial(HERE, epoch());
        source.handle_connected(Hop::Single, Some(id("second")));
        source.handle_lookup(Side::Upstream, ip("10.0.0.1"), late);
        assert!(!source.is_settled());
        assert_eq!(source.poll_lookup(), Some((Side::Upstream, ip("10.0.0.2"))));
        source.handle_lookup(Side::Upstream, ip("::ffff:10.0.0.2"), entry("second"));
        assert_eq!(name_of(source.upstream()), Some("second-v1"));
    }
}

#[test]
fn every_attempt_has_the_whole_patience_and_the_caller_has_its_own() {
    let now = epoch();
    let mut waypoint = exchange(Role::Waypoint, ExchangeConfig::new(), now);
    waypoint.handle_accepted(Some(id("client")));
    waypoint.handle_request(ip("10.0.0.1"), None, NO_LINES);
    waypoint.dial(Target::OtherNetwork, now + seconds(3));
    assert_eq!(waypoint.poll_timeout(), Some(now + seconds(5)));
    waypoint.handle_timeout(now + seconds(5));
    assert!(waypoint.is_side_settled(Side::Downstream));
    assert!(!waypoint.is_side_settled(Side::Upstream));
    assert_eq!(waypoint.poll_timeout(), Some(now + seconds(8)));
    waypoint.handle_timeout(now + seconds(8));
    assert!(waypoint.is_settled());

    waypoint.dial(Target::OtherNetwork, now + seconds(60));
    assert_eq!(waypoint.poll_timeout(), Some(now + seconds(65)));
    waypoint.handle_timeout(now + seconds(61));
    waypoint.handle_connected(Hop::Inner, Some(id("server")));
    waypoint.handle_response(Hop::Inner, &line("k8s.pod.name=server"));
    assert!(waypoint.is_settled());
    assert_eq!(name_of(waypoint.upstream()), Some("server"));
    assert_eq!(waypoint.upstream().identity(), Some(&*id("server")));
}

#[test]
fn what_was_proved_of_a_gateway_stays_whatever_comes_twice() {
    let mut source = source();
    source.dial(Target::OtherNetwork, epoch());
    source.handle_connected(Hop::Outer, Some(id("gateway")));
    source.handle_response(Hop::Outer, &line("k8s.pod.name=gateway"));
    source.handle_connected(Hop::Outer, Some(id("gateway")));
    source.handle_connected(Hop::Outer, None);
    source.handle_connected(Hop::Outer, Some(id("somebody")));
    source.handle_response(Hop::Outer, NO_LINES);
    assert_eq!(source.gateway().identity(), Some(&*id("gateway")));
    assert_eq!(name_of(source.gateway()), Some("gateway"));
}

#[test]
fn a_plaintext_peer_has_no_identity_and_is_settled_all_the_same() {
    let mut destination = destination();
    destination.handle_accepted(None);
    destination.handle_request(ip("10.0.0.1"), None, NO_LINES);
    destination.handle_lookup(Side::Downstream, ip("10.0.0.1"), entry("client"));
    assert!(destination.is_settled());
    assert_eq!(destination.downstream().identity(), None);
    assert_eq!(
        destination.downstream().provenance().identity,
        Origin::Nowhere
    );
}

#[test]
fn at_the_deadline_every_role_is_settled_with_what_it_knows() {
    let now = epoch();
    for role in [
        Role::SourceNodeProxy,
        Role::DestinationNodeProxy,
        Role::Waypoint,
        Role::EastWestGateway,
        Role::IngressGateway,
    ] {
        let mut exchange = exchange(role, ExchangeConfig::new().with_patience(seconds(3)), now);
        assert_eq!(exchange.poll_timeout(), Some(now + seconds(3)), "{role:?}");
        exchange.handle_timeout(now + seconds(2));
        assert!(!exchange.is_settled(), "{role:?}");
        exchange.handle_timeout(now + seconds(3));
        assert!(exchange.is_settled(), "{role:?}");
        assert_eq!(exchange.poll_timeout(), None, "{role:?}");
        exchange.handle_timeout(now + seconds(9));
        assert_eq!(exchange.poll_lookup(), None, "{role:?}");
    }
}

#[test]
fn at_the_deadline_a_directory_that_never_answered_gives_way_to_baggage() {
    let now = epoch();
    let mut destination = exchange(Role::DestinationNodeProxy, ExchangeConfig::new(), now);
    destination.handle_accepted(Some(id("client")));
    destination.handle_request(ip("10.0.0.1"), None, &line("k8s.pod.name=client"));
    assert!(!destination.is_settled());
    assert_eq!(
        name_of(destination.downstream()),
        None,
        "nothing is known before it is settled"
    );
    destination.handle_timeout(now + seconds(5));
    assert_eq!(name_of(destination.downstream()), Some("client"));
}

#[test]
fn what_comes_after_the_deadline_changes_nothing() {
    let now = epoch();
    let mut source = exchange(Role::SourceNodeProxy, ExchangeConfig::new(), now);
    source.dial(Target::OtherNetwork, now);
    source.handle_timeout(now + seconds(5));
    source.handle_connected(Hop::Inner, Some(id("late")));
    source.handle_response(Hop::Inner, &line("k8s.pod.name=late"));
    assert_eq!(source.upstream().identity(), None);
    assert_eq!(name_of(source.upstream()), None);
}

#[test]
fn a_closed_side_is_settled_with_what_it_said() {
    let mut waypoint = waypoint();
    waypoint.handle_accepted(Some(id("client")));
    waypoint.handle_request(ip("10.0.0.1"), None, &line("k8s.pod.name=client"));
    waypoint.handle_closed(Side::Downstream);
    assert!(waypoint.is_side_settled(Side::Downstream));
    assert!(!waypoint.is_side_settled(Side::Upstream));
    assert_eq!(name_of(waypoint.downstream()), Some("client"));
    waypoint.handle_closed(Side::Upstream);
    assert!(waypoint.is_settled());
}

#[test]
fn a_waypoint_asks_for_both_parties_each_once() {
    let mut waypoint = waypoint();
    waypoint.handle_request(ip("10.0.0.1"), None, NO_LINES);
    waypoint.dial(HERE, epoch());
    assert_eq!(
        waypoint.poll_lookup(),
        Some((Side::Downstream, ip("10.0.0.1")))
    );
    assert_eq!(
        waypoint.poll_lookup(),
        Some((Side::Upstream, ip("10.0.0.2")))
    );
    assert_eq!(waypoint.poll_lookup(), None);
    waypoint.handle_lookup(Side::Upstream, ip("10.0.0.2"), entry("server"));
    waypoint.handle_lookup(Side::Downstream, ip("10.0.0.1"), entry("client"));
    waypoint.handle_connected(Hop::Single, Some(id("server")));
    assert!(waypoint.is_settled());
    assert_eq!(name_of(waypoint.downstream()), Some("client-v1"));
    assert_eq!(name_of(waypoint.upstream()), Some("server-v1"));
}

#[test]
fn requests_of_one_tunnel_share_its_downstream_and_have_upstreams_of_their_own() {
    let now = epoch();
    let mut tunnel = exchange(Role::Waypoint, ExchangeConfig::new(), now);
    tunnel.handle_accepted(Some(id("client")));
    tunnel.handle_request(ip("10.0.0.1"), Some(b"there"), &line("k8s.pod.name=client"));
    let mut first = tunnel.for_request(now + seconds(60));
    let mut second = tunnel.for_request(now + seconds(61));
    assert_eq!(first.poll_timeout(), Some(now + seconds(65)));
    first.dial(Target::OtherNetwork, now + seconds(60));
    first.handle_response(Hop::Inner, &line("k8s.pod.name=a"));
    second.dial(Target::OtherNetwork, now + seconds(61));
    second.handle_response(Hop::Inner, &line("k8s.pod.name=b"));
    assert!(first.is_settled() && second.is_settled());
    assert_eq!(name_of(first.upstream()), Some("a"));
    assert_eq!(name_of(second.upstream()), Some("b"));
    for request in [&first, &second] {
        assert_eq!(name_of(request.downstream()), Some("client"));
        assert_eq!(request.downstream().identity(), Some(&*id("client")));
    }
}

#[test]
fn a_request_that_comes_before_its_tunnel_is_settled_does_not_wait_for_that() {
    let now = epoch();
    let mut tunnel = exchange(Role::Waypoint, ExchangeConfig::new(), now);
    tunnel.handle_accepted(Some(id("client")));
    tunnel.handle_request(ip("10.0.0.1"), None, &line("k8s.pod.name=client"));
    assert!(
        !tunnel.is_side_settled(Side::Downstream),
        "the directory has not answered"
    );
    let mut request = tunnel.for_request(now);
    assert!(request.is_side_settled(Side::Downstream));
    assert_eq!(name_of(request.downstream()), Some("client"));
    assert_eq!(
        request.poll_lookup(),
        None,
        "the tunnel asks, its requests do not"
    );
    assert_eq!(
        tunnel.poll_lookup(),
        Some((Side::Downstream, ip("10.0.0.1")))
    );
}

#[test]
fn a_gateway_sees_no_identity_in_the_bytes_that_it_relays() {
    let mut gateway = exchange(Role::EastWestGateway, ExchangeConfig::new(), epoch());
    gateway.handle_accepted(Some(id("waypoint")));
    gateway.handle_request(
        ip("10.0.0.8"),
        Some(b"there"),
        &line("k8s.pod.name=waypoint"),
    );
    gateway.dial(HERE, epoch());
    gateway.handle_lookup(Side::Upstream, ip("10.0.0.2"), None);
    gateway.handle_connected(Hop::Single, Some(id("forged")));
    gateway.handle_endpoint(Some(workload("server", "c2")));
    assert!(gateway.is_settled());
    assert_eq!(name_of(gateway.upstream()), Some("server-v1"));
    assert_eq!(gateway.upstream().identity(), None);
    assert_eq!(gateway.downstream().identity(), Some(&*id("waypoint")));
}

#[test]
fn a_party_that_the_role_does_not_have_learns_nothing_and_is_waited_for_by_nobody() {
    let mut destination = destination();
    assert!(destination.is_side_settled(Side::Upstream));
    destination.dial(HERE, epoch());
    destination.handle_connected(Hop::Single, Some(id("x")));
    destination.handle_response(Hop::Single, &line("k8s.pod.name=x"));
    assert_eq!(destination.poll_lookup(), None);
    assert_eq!(
        (
            name_of(destination.upstream()),
            destination.upstream().identity()
        ),
        (None, None)
    );
    let mut source = source();
    source.handle_accepted(Some(id("x")));
    source.handle_request(ip("10.0.0.1"), None, &line("k8s.pod.name=x"));
    assert_eq!(source.poll_lookup(), None);
    assert_eq!(
        (name_of(source.downstream()), source.downstream().identity()),
        (None, None)
    );
}

#[test]
fn patience_beyond_the_clock_is_for_ever_and_no_panic() {
    let config = ExchangeConfig::new().with_patience(std::time::Duration::MAX);
    let exchange = exchange(Role::Waypoint, config, epoch());
    assert_eq!(exchange.poll_timeout(), None);
}

#[test]
fn the_headers_of_a_connect_end_at_every_proxy() {
    for role in [
        Role::SourceNodeProxy,
        Role::DestinationNodeProxy,
        Role::Waypoint,
        Role::EastWestGateway,
    ] {
        let names: Vec<_> = stripped(role, Message::Connect)
            .iter()
            .map(|name| name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "baggage",
                "forwarded",
                "x-forwarded-network",
                "x-istio-source"
            ],
            "{role:?}"
        );
    }
}

/// HBONE-X-007.
#[test]
fn an_applications_own_baggage_is_kept_at_every_role() {
    for role in [
        Role::SourceNodeProxy,
        Role::DestinationNodeProxy,
        Role::Waypoint,
        Role::EastWestGateway,
        Role::IngressGateway,
    ] {
        let stripped = stripped(role, Message::Application);
        assert!(
            stripped
                .iter()
                .all(|name| name != "baggage" && name != "traceparent"),
            "{role:?}"
        );
    }
}

#[test]
fn headers_of_the_mesh_never_leave_it_nor_come_into_it() {
    for role in [Role::Waypoint, Role::IngressGateway] {
        let stripped = stripped(role, Message::Application);
        for name in [
            "x-envoy-peer-metadata",
            "x-envoy-peer-metadata-id",
            "x-forwarded-network",
            "x-istio-source",
        ] {
            assert!(
                stripped.iter().any(|stripped| stripped == name),
                "{role:?} {name}"
            );
        }
    }
}

#[test]
fn an_exchange_strips_what_its_role_does() {
    for message in [Message::Connect, Message::Application] {
        assert_eq!(
            waypoint().stripped(message),
            stripped(Role::Waypoint, message)
        );
        assert_eq!(
            source().stripped(message),
            stripped(Role::SourceNodeProxy, message)
        );
    }
}

#[test]
fn what_runs_inside_a_tunnel_is_not_touched_by_those_who_only_carry_it() {
    for role in [
        Role::SourceNodeProxy,
        Role::DestinationNodeProxy,
        Role::EastWestGateway,
    ] {
        assert!(stripped(role, Message::Application).is_empty(), "{role:?}");
    }
}

#[test]
fn own_is_what_it_was_made_of() {
    let own = own("own", "c1", "here");
    assert_eq!(own.attributes(), &workload("own", "c1"));
    assert_eq!(own.identity(), Some(&*id("own")));
    assert_eq!(&**own.network(), "here");
}
