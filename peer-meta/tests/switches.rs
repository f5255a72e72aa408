//! `ENABLE_RESPONSE_BAGGAGE`, `AMBIENT_ENABLE_BAGGAGE` and the master switch, on and off at each role.

mod world;

use http::StatusCode;
use peer_meta::{Exchange, ExchangeConfig, Hop, Role, Side, Target};
use world::{epoch, exchange, id, ip, line, name_of};

const ROLES: [Role; 5] = [
    Role::DestinationNodeProxy,
    Role::EastWestGateway,
    Role::IngressGateway,
    Role::SourceNodeProxy,
    Role::Waypoint,
];

/// What an exchange does with everything that could happen to it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Tells on a single, outer and inner hop.
    requests: [bool; 3],
    /// Tells with a 200, and with a 503.
    responses: [bool; 2],
    /// Learns from the request that came, the answer to a single hop, an outer one, an inner one.
    learns: [bool; 4],
}

fn seen(role: Role, config: ExchangeConfig) -> Seen {
    let new = || exchange(role, config, epoch());
    let answered = |target, hop| {
        let mut exchange = new();
        exchange.dial(target, epoch());
        exchange.handle_lookup(Side::Upstream, ip("10.0.0.2"), None);
        exchange.handle_response(hop, &line("k8s.pod.name=told"));
        exchange
    };
    let asked = {
        let mut exchange = new();
        exchange.handle_request(ip("10.0.0.1"), None, &line("k8s.pod.name=told"));
        exchange.handle_lookup(Side::Downstream, ip("10.0.0.1"), None);
        exchange
    };
    let told = |exchange: &Exchange, hop| match hop {
        Hop::Outer => name_of(exchange.gateway()) == Some("told"),
        _ => name_of(exchange.upstream()) == Some("told"),
    };
    let here = Target::Address(ip("10.0.0.2"));
    Seen {
        requests: [Hop::Single, Hop::Outer, Hop::Inner]
            .map(|hop| new().request_baggage(hop).is_some()),
        responses: [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE]
            .map(|status| new().response_baggage(status).is_some()),
        learns: [
            name_of(asked.downstream()) == Some("told"),
            told(&answered(here, Hop::Single), Hop::Single),
            told(&answered(Target::OtherNetwork, Hop::Outer), Hop::Outer),
            told(&answered(Target::OtherNetwork, Hop::Inner), Hop::Inner),
        ],
    }
}

const SILENT: Seen = Seen {
    requests: [false; 3],
    responses: [false; 2],
    learns: [false; 4],
};

fn all_on(role: Role) -> Seen {
    match role {
        Role::SourceNodeProxy => Seen {
            requests: [true, true, true],
            learns: [false, true, true, true],
            ..SILENT
        },
        Role::DestinationNodeProxy => Seen {
            responses: [true, false],
            learns: [true, false, false, false],
            ..SILENT
        },
        Role::Waypoint => Seen {
            requests: [true, false, true],
            responses: [true, true],
            learns: [true, true, true, true],
        },
        Role::IngressGateway => Seen {
            requests: [true, false, true],
            learns: [false, true, true, true],
            ..SILENT
        },
        Role::EastWestGateway => Seen {
            responses: [true, true],
            // It opens no tunnel, so no answer is for it.
            learns: [true, false, false, false],
            ..SILENT
        },
        other => panic!("{other:?} has no line in this table"),
    }
}

#[test]
fn source_node_proxy_with_everything_on_tells_on_every_hop_and_reads_the_answers() {
    assert_eq!(
        seen(Role::SourceNodeProxy, ExchangeConfig::new()),
        all_on(Role::SourceNodeProxy)
    );
}

#[test]
fn destination_node_proxy_with_everything_on_reads_the_request_and_tells_with_200_only() {
    assert_eq!(
        seen(Role::DestinationNodeProxy, ExchangeConfig::new()),
        all_on(Role::DestinationNodeProxy)
    );
}

#[test]
fn waypoint_with_everything_on_tells_the_far_end_but_no_gateway_and_answers_whatever_the_status() {
    assert_eq!(
        seen(Role::Waypoint, ExchangeConfig::new()),
        all_on(Role::Waypoint)
    );
}

#[test]
fn ingress_gateway_with_everything_on_tells_the_far_end_but_no_gateway() {
    assert_eq!(
        seen(Role::IngressGateway, ExchangeConfig::new()),
        all_on(Role::IngressGateway)
    );
}

#[test]
fn east_west_gateway_with_everything_on_answers_for_itself_and_reads_the_outer_request() {
    assert_eq!(
        seen(Role::EastWestGateway, ExchangeConfig::new()),
        all_on(Role::EastWestGateway)
    );
}

#[test]
fn response_baggage_off_at_the_source_changes_nothing() {
    let config = ExchangeConfig::new().with_response_baggage(false);
    assert_eq!(
        seen(Role::SourceNodeProxy, config),
        all_on(Role::SourceNodeProxy)
    );
}

/// HBONE-X-006.
#[test]
fn response_baggage_off_at_the_destination_neither_tells_nor_reads() {
    let config = ExchangeConfig::new().with_response_baggage(false);
    assert_eq!(seen(Role::DestinationNodeProxy, config), SILENT);
}

#[test]
fn response_baggage_off_means_nothing_to_waypoints_and_gateways() {
    let config = ExchangeConfig::new().with_response_baggage(false);
    for role in [Role::Waypoint, Role::IngressGateway, Role::EastWestGateway] {
        assert_eq!(
            seen(role, config),
            seen(role, ExchangeConfig::new()),
            "{role:?}"
        );
    }
}

#[test]
fn ambient_baggage_off_at_the_waypoint_neither_tells_nor_reads() {
    assert_eq!(
        seen(
            Role::Waypoint,
            ExchangeConfig::new().with_ambient_baggage(false)
        ),
        SILENT
    );
}

#[test]
fn ambient_baggage_off_at_the_ingress_gateway_neither_tells_nor_reads() {
    assert_eq!(
        seen(
            Role::IngressGateway,
            ExchangeConfig::new().with_ambient_baggage(false)
        ),
        SILENT
    );
}

#[test]
fn ambient_baggage_off_at_the_east_west_gateway_neither_tells_nor_reads() {
    assert_eq!(
        seen(
            Role::EastWestGateway,
            ExchangeConfig::new().with_ambient_baggage(false)
        ),
        SILENT
    );
}

#[test]
fn ambient_baggage_off_means_nothing_to_node_proxies() {
    let config = ExchangeConfig::new().with_ambient_baggage(false);
    for role in [Role::SourceNodeProxy, Role::DestinationNodeProxy] {
        assert_eq!(seen(role, config), all_on(role), "{role:?}");
    }
}

#[test]
fn the_master_switch_silences_every_role() {
    for role in ROLES {
        assert_eq!(
            seen(role, ExchangeConfig::new().with_exchange(false)),
            SILENT,
            "{role:?}"
        );
    }
}

#[test]
fn with_baggage_off_the_directory_still_answers() {
    let config = ExchangeConfig::new().with_exchange(false);
    for role in [
        Role::DestinationNodeProxy,
        Role::Waypoint,
        Role::EastWestGateway,
    ] {
        let mut exchange = exchange(role, config, epoch());
        exchange.handle_accepted(Some(id("peer")));
        exchange.handle_request(ip("10.0.0.1"), None, &line("k8s.pod.name=told"));
        assert_eq!(
            exchange.poll_lookup(),
            Some((Side::Downstream, ip("10.0.0.1"))),
            "{role:?}"
        );
    }
}

/// HBONE-X-006.
#[test]
fn with_baggage_off_a_peer_of_another_network_stays_unknown_rather_than_be_guessed() {
    let config = ExchangeConfig::new().with_exchange(false);
    for role in [Role::DestinationNodeProxy, Role::Waypoint] {
        let mut exchange = exchange(role, config, epoch());
        exchange.handle_accepted(Some(id("peer")));
        exchange.handle_request(ip("10.0.0.1"), Some(b"there"), &line("k8s.pod.name=told"));
        assert_eq!(exchange.poll_lookup(), None, "{role:?}");
        assert!(exchange.is_side_settled(Side::Downstream), "{role:?}");
        assert_eq!(name_of(exchange.downstream()), None, "{role:?}");
        assert_eq!(
            exchange.downstream().identity(),
            Some(&*id("peer")),
            "{role:?}"
        );
    }
}
