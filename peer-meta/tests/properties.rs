//! Whatever a peer sends.

mod world;

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use peer_meta::labels::{
    HttpLabels, HttpOutcome, LabelDialect, Report, SeriesGuard, TcpLabels, UNKNOWN,
};
use peer_meta::{
    Attributes, Carrier, Claimed, DirectoryEntry, Discovery, Exchange, ExchangeConfig, Hop, Method,
    Place, Role, Side, Target,
};
use proptest::collection::vec;
use proptest::prelude::*;
use spiffe::SpiffeId;
use world::{exchange, id, own, seconds, workload};

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![
        Just(Role::DestinationNodeProxy),
        Just(Role::EastWestGateway),
        Just(Role::IngressGateway),
        Just(Role::SourceNodeProxy),
        Just(Role::Waypoint),
    ]
}

fn hop() -> impl Strategy<Value = Hop> {
    prop_oneof![Just(Hop::Inner), Just(Hop::Outer), Just(Hop::Single)]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Downstream), Just(Side::Upstream)]
}

/// Baggage from almost right to any bytes that a header can hold, with a liking for principals.
fn line() -> impl Strategy<Value = HeaderValue> {
    let key = prop_oneof![
        "k8s\\.(cluster|namespace|pod|job|cronjob|deployment|instance)\\.name",
        "(service|app)\\.(name|version)",
        "(source|destination)_principal",
        "identity|spiffe",
    ];
    let value = prop_oneof![
        "[ -~]{0,40}",
        Just("spiffe://mesh/ns/root/sa/root".to_owned()),
        "(%[0-9a-f]{2}){0,9}"
    ];
    let members = vec((key, value), 0..6).prop_map(|members| {
        let members: Vec<_> = members
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        members.join(",").into_bytes()
    });
    prop_oneof![members, vec(any::<u8>(), 0..80)].prop_filter_map("a header can hold it", |bytes| {
        HeaderValue::from_bytes(&bytes).ok()
    })
}

#[derive(Clone, Debug)]
enum Event {
    Accepted(Option<u8>),
    Request(u8, Option<Vec<u8>>, Vec<HeaderValue>),
    Dial(Option<u8>),
    Connected(Hop, Option<u8>),
    Response(Hop, Vec<HeaderValue>),
    Endpoint(Option<u8>),
    Lookup(Side, u8, Option<(u8, bool)>),
    Closed(Side),
    Timeout(u64),
    Polled,
}

fn event() -> impl Strategy<Value = Event> {
    let lines = || vec(line(), 0..3);
    let who = || proptest::option::of(0_u8..4);
    prop_oneof![
        who().prop_map(Event::Accepted),
        (
            0_u8..3,
            proptest::option::of(vec(any::<u8>(), 0..5)),
            lines()
        )
            .prop_map(|(ip, network, lines)| Event::Request(ip, network, lines)),
        proptest::option::of(0_u8..3).prop_map(Event::Dial),
        (hop(), who()).prop_map(|(hop, who)| Event::Connected(hop, who)),
        (hop(), lines()).prop_map(|(hop, lines)| Event::Response(hop, lines)),
        who().prop_map(Event::Endpoint),
        (
            side(),
            0_u8..3,
            proptest::option::of((0_u8..4, any::<bool>()))
        )
            .prop_map(|(side, ip, entry)| Event::Lookup(side, ip, entry)),
        side().prop_map(Event::Closed),
        (0_u64..9).prop_map(Event::Timeout),
        Just(Event::Polled),
    ]
}

fn somebody(who: u8) -> Arc<SpiffeId> {
    id(&format!("peer{who}"))
}

fn apply(exchange: &mut Exchange, event: Event, now: std::time::Instant) {
    match event {
        Event::Accepted(who) => exchange.handle_accepted(who.map(somebody)),
        Event::Request(ip, network, lines) => {
            exchange.handle_request(IpAddr::from([10, 0, 0, ip]), network.as_deref(), &lines);
        }
        Event::Dial(Some(ip)) => exchange.dial(Target::Address(IpAddr::from([10, 0, 0, ip])), now),
        Event::Dial(None) => exchange.dial(Target::OtherNetwork, now),
        Event::Connected(hop, who) => exchange.handle_connected(hop, who.map(somebody)),
        Event::Response(hop, lines) => exchange.handle_response(hop, &lines),
        Event::Endpoint(who) => {
            exchange.handle_endpoint(who.map(|who| workload(&format!("e{who}"), "c")))
        }
        Event::Lookup(side, ip, entry) => {
            let entry = entry.map(|(who, ours)| {
                DirectoryEntry::new(
                    workload(&format!("d{who}"), "c"),
                    if ours { "here" } else { "there" },
                )
                .with_identity(somebody(who))
            });
            exchange.handle_lookup(side, IpAddr::from([10, 0, 0, ip]), entry);
        }
        Event::Closed(side) => exchange.handle_closed(side),
        Event::Timeout(after) => exchange.handle_timeout(now + seconds(after)),
        Event::Polled => drop(exchange.poll_lookup()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    // [154]
    #[test]
    fn row_154_an_identity_is_always_one_that_tls_proved_and_a_principal_is_nothing_else(
        role in role(),
        events in vec(event(), 0..14),
    ) {
        let now = world::epoch();
        let mut exchange = exchange(role, ExchangeConfig::new(), now);
        let mut proved = vec![None, Some(id("own"))];
        for event in events {
            if let Event::Accepted(Some(who)) | Event::Connected(_, Some(who)) = event {
                proved.push(Some(somebody(who)));
            }
            apply(&mut exchange, event, now);
            for peer in [exchange.downstream(), exchange.upstream(), exchange.gateway()] {
                let identity = peer.identity().cloned().map(Arc::new);
                prop_assert!(proved.contains(&identity), "{identity:?}");
            }
            for dialect in [LabelDialect::Envoy, LabelDialect::Ztunnel] {
                let labels = TcpLabels::new(&Report::of(&exchange), dialect);
                let proved: Vec<_> =
                    proved.iter().map(|id| id.as_ref().map_or_else(|| UNKNOWN.to_owned(), ToString::to_string)).collect();
                for (name, value) in labels.iter().filter(|(name, _)| name.ends_with("_principal")) {
                    prop_assert!(proved.iter().any(|id| id == value), "{name}={value}");
                }
            }
        }
    }

    #[test]
    fn principals_do_not_depend_on_any_header(
        role in role(),
        events in vec(event(), 0..14),
    ) {
        let now = world::epoch();
        let silenced = |event: &Event| match event {
            Event::Request(ip, network, _) => Event::Request(*ip, network.clone(), Vec::new()),
            Event::Response(hop, _) => Event::Response(*hop, Vec::new()),
            other => other.clone(),
        };
        let config = ExchangeConfig::new();
        let (mut told, mut silent) = (exchange(role, config, now), exchange(role, config, now));
        for event in &events {
            apply(&mut told, event.clone(), now);
            apply(&mut silent, silenced(event), now);
        }
        prop_assert_eq!(told.downstream().identity(), silent.downstream().identity());
        prop_assert_eq!(told.upstream().identity(), silent.upstream().identity());
    }

    #[test]
    fn what_is_settled_stays_as_it_is_until_another_dial(
        role in role(),
        before in vec(event(), 0..10),
        after in vec(event(), 0..10),
    ) {
        let now = world::epoch();
        let mut exchange = exchange(role, ExchangeConfig::new(), now);
        for event in before {
            apply(&mut exchange, event, now);
            prop_assert_eq!(exchange.poll_timeout().is_none(), exchange.is_settled(), "or else it waits for ever");
        }
        exchange.handle_timeout(now + seconds(60));
        prop_assert!(exchange.is_settled());
        prop_assert_eq!(exchange.poll_timeout(), None);
        let settled = (exchange.downstream().clone(), exchange.upstream().clone());
        for event in after.into_iter().filter(|event| !matches!(event, Event::Dial(_))) {
            apply(&mut exchange, event, now);
        }
        prop_assert!(exchange.is_settled());
        prop_assert_eq!(settled, (exchange.downstream().clone(), exchange.upstream().clone()));
    }

    #[test]
    fn every_label_is_bounded_and_harmless_and_none_is_empty(
        role in role(),
        events in vec(event(), 0..14),
        flags in "\\PC{0,400}",
    ) {
        let now = world::epoch();
        let mut exchange = exchange(role, ExchangeConfig::new(), now);
        for event in events {
            apply(&mut exchange, event, now);
        }
        exchange.handle_timeout(now + seconds(60));
        for dialect in [LabelDialect::Envoy, LabelDialect::Ztunnel] {
            let report = Report::of(&exchange).with_flags(&flags);
            let tcp = TcpLabels::new(&report, dialect);
            let http = HttpLabels::new(&report, HttpOutcome::Http { code: 200 }, dialect);
            for (name, value) in tcp.iter().chain(http.iter()) {
                prop_assert!(!value.is_empty() || name == "grpc_response_status", "{name}");
                prop_assert!(value.len() <= 253, "{name}={value}");
                prop_assert!(value.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\<>{}".contains(&b)), "{name}={value}");
            }
        }
    }

    #[test]
    fn the_number_of_series_is_capped_whatever_comes(
        names in vec("[a-z]{1,2}", 1..200),
        cap in 0_usize..40,
    ) {
        let mut guard = SeriesGuard::with_cap(cap);
        let own = own("own", "c1", "here");
        let mut series = std::collections::BTreeSet::new();
        let mut admitted = Vec::new();
        for name in &names {
            let peer = peer_meta::Peer::default()
                .with_attributes(Attributes::Claimed(Claimed::new(workload(name, "c"))));
            let report = Report::new(
                peer_meta::labels::Reporter::Source,
                peer_meta::labels::Subject::own(&own),
                peer_meta::labels::Subject::peer(&peer),
            );
            let labels = TcpLabels::new(&report, LabelDialect::Ztunnel);
            // The naive guard: a list of those that came first.
            if !admitted.contains(&labels) && admitted.len() < cap {
                admitted.push(labels.clone());
            }
            let expected = if admitted.contains(&labels) { labels.clone() } else { labels.folded() };
            let counted = guard.admit(labels, TcpLabels::folded);
            prop_assert_eq!(&counted, &expected);
            series.insert(counted);
        }
        prop_assert!(series.len() <= cap + 1);
    }

    #[test]
    fn discovery_agrees_with_the_naive_reading_of_the_table(
        place in prop_oneof![
            Just(Place::NodeInbound),
            Just(Place::WaypointDownstream),
            Just(Place::WaypointUpstream),
            Just(Place::IngressUpstream),
            Just(Place::GatewayUpstream),
            Just(Place::SidecarInboundHttp),
            Just(Place::SidecarOutboundHttp),
            Just(Place::SidecarTcp),
        ],
        answers in Just([0_u8, 1, 2, 3, 4]).prop_shuffle(),
        hits in any::<[bool; 5]>(),
        answered in 0_usize..6,
    ) {
        let methods = [
            Method::Directory,
            Method::Claim(Carrier::Baggage),
            Method::Claim(Carrier::IstioHeaders),
            Method::Claim(Carrier::AlpnExchange),
            Method::Endpoint,
        ];
        let now = world::epoch();
        let address = IpAddr::from([10, 0, 0, 1]);
        let mut discovery = Discovery::upstream(
            place,
            &ExchangeConfig::new(),
            Arc::from("here"),
            Target::Address(address),
            Some(now),
        );
        let heard: Vec<_> = answers.iter().take(answered).map(|at| usize::from(*at)).collect();
        for at in &heard {
            let name = |method: &str| hits[*at].then(|| workload(method, "c"));
            match methods[*at] {
                Method::Directory => {
                    discovery.handle_lookup(address, name("m").map(|workload| DirectoryEntry::new(workload, "here")))
                }
                Method::Claim(carrier) => discovery.handle_claim(carrier, name("m").map(Claimed::new)),
                _ => discovery.handle_endpoint(name("m")),
            };
        }
        discovery.handle_timeout(now);
        // The first method of the table that was heard and hit.
        let expected = place.methods().iter().find(|method| {
            heard.iter().any(|at| methods[*at] == **method && hits[*at])
        });
        prop_assert_eq!(discovery.found().map(|(method, _)| method), expected.copied());
    }
}
