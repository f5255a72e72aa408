//! One CONNECT at a server, from its authority to its answer. Numbers in brackets are rows of docs/faults.md.

#[path = "world/epoch.rs"]
mod epoch;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hbone::policy::{AllowEntry, Checked, Denied, DeniedRange, DestinationPolicy, Opening};
use hbone::{
    Attempt, ConnectFailure, DenyStatus, Identity, Lookup, Reject, ResetBudget, Serve, ServeAction,
    ServeConfig, ServeEnd,
};
use http::StatusCode;
use proptest::prelude::*;

use epoch::epoch;

const SECOND: Duration = Duration::from_secs(1);

fn peer() -> Identity {
    "spiffe://cluster.local/ns/shop/sa/cart".parse().unwrap()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// 10/8 by address; `*.shop.svc` by name, wherever that leads.
fn policy() -> DestinationPolicy {
    DestinationPolicy::allow_list([
        AllowEntry::to_addresses(["10.0.0.0/8".parse().unwrap()]),
        AllowEntry::to_names_below(["shop.svc".parse().unwrap()]),
    ])
}

fn serve(authority: &str, policy: &DestinationPolicy, start: Instant) -> Serve {
    let authority = authority.parse().unwrap();
    Serve::new(&peer(), &authority, policy, ServeConfig::default(), start)
}

fn actions(serve: &mut Serve) -> Vec<ServeAction> {
    std::iter::from_fn(|| serve.poll_action()).collect()
}

/// The one action that is due, which must be to connect.
fn connect(serve: &mut Serve) -> (Attempt, SocketAddr) {
    match &actions(serve)[..] {
        [ServeAction::Connect(attempt, checked)] => (*attempt, checked.addr()),
        other => panic!("expected to connect, not {other:?}"),
    }
}

/// The one action that is due, which must be to reject.
fn reject(serve: &mut Serve) -> Reject {
    match &actions(serve)[..] {
        [ServeAction::Reject(reject)] => reject.clone(),
        other => panic!("expected a rejection, not {other:?}"),
    }
}

fn resolving(serve: &mut Serve) {
    assert!(matches!(actions(serve)[..], [ServeAction::Resolve(_)]));
}

#[test]
fn an_allowed_address_is_connected_to_before_it_is_accepted() {
    let mut serve = serve("10.0.0.7:80", &policy(), epoch());
    let (attempt, to) = connect(&mut serve);
    assert_eq!(to, addr("10.0.0.7:80"));
    assert_eq!(serve.poll_action(), None, "no answer while nobody is there");
    assert_eq!(serve.handle_connected(attempt), Ok(true));
    assert_eq!(actions(&mut serve), [ServeAction::Accept]);
    assert_eq!(serve.end_reached(), Some(ServeEnd::Accepted));
    assert_eq!(serve.poll_timeout(), None);
}

#[test]
fn a_denied_peer_causes_no_query_and_no_dial() {
    // [81]
    let denied = [
        ("10.0.0.7:80", DestinationPolicy::deny_all()),
        ("internal.other.svc:80", DestinationPolicy::deny_all()),
        ("internal.other.svc:80", policy()),
        ("192.0.2.1:80", policy()),
        ("10.0.0.7:15008", policy()), // [79]
    ];
    for (authority, policy) in denied {
        let mut serve = serve(authority, &policy, epoch());
        let reject = reject(&mut serve);
        assert_eq!(reject.status(), StatusCode::FORBIDDEN, "{authority}");
        assert_eq!(serve.poll_timeout(), None);
    }
}

#[test]
fn a_server_may_deny_as_ztunnel_does() {
    // [81]
    let mut config = ServeConfig::default();
    config.deny_status = DenyStatus::Ztunnel;
    let authority = "192.0.2.1:80".parse().unwrap();
    let mut serve = Serve::new(&peer(), &authority, &policy(), config, epoch());
    assert_eq!(reject(&mut serve).status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn a_name_is_resolved_and_its_addresses_are_asked_about_again() {
    // [77]
    let start = epoch();
    for rebound in [
        "127.0.0.1:80",
        "[::1]:80",
        "169.254.169.254:80",
        "[::ffff:127.0.0.1]:80",
        "[64:ff9b::7f00:1]:80",
        "0.0.0.0:80",
    ] {
        let mut serve = serve("evil.shop.svc:80", &policy(), start);
        resolving(&mut serve);
        serve.handle_resolved([addr(rebound)], start).unwrap();
        assert_eq!(
            reject(&mut serve).status(),
            StatusCode::FORBIDDEN,
            "{rebound}"
        );
    }
}

#[test]
fn of_a_name_with_good_and_bad_addresses_only_the_good_ones_are_dialled() {
    // [77]
    let start = epoch();
    let mut serve = serve("cart.shop.svc:80", &policy(), start);
    resolving(&mut serve);
    let answer = [
        "127.0.0.1:80",
        "10.0.0.1:80",
        "[::1]:80",
        "10.0.0.1:80",
        "10.0.0.2:80",
    ]
    .map(addr);
    serve.handle_resolved(answer, start).unwrap();
    for expected in ["10.0.0.1:80", "10.0.0.2:80"] {
        let (attempt, to) = connect(&mut serve);
        assert_eq!(to, addr(expected));
        serve
            .handle_connect_failed(attempt, ErrorKind::ConnectionRefused, start)
            .unwrap();
    }
    assert_eq!(reject(&mut serve), Reject::UpstreamRefused);
}

#[test]
fn the_port_may_be_translated_and_the_translated_one_is_asked_about() {
    let start = epoch();
    let local = DestinationPolicy::local_only("10.0.0.7".parse().unwrap())
        .open(Opening::ServiceNames)
        .own_listener(addr("10.0.0.7:9090"));
    let lead_to = |to: &str| {
        let mut serve = serve("cart.shop.svc:80", &local, start);
        resolving(&mut serve);
        serve.handle_resolved([addr(to)], start).unwrap();
        serve
    };
    assert_eq!(
        connect(&mut lead_to("10.0.0.7:8080")).1,
        addr("10.0.0.7:8080")
    );
    for denied in ["10.0.0.7:9090", "10.0.0.7:15001", "10.0.0.8:8080"] {
        reject(&mut lead_to(denied));
    }
}

#[test]
fn a_directory_may_be_asked_about_addresses_too() {
    let start = epoch();
    let mut config = ServeConfig::default();
    config.lookup = Lookup::All;
    let authority = "10.96.0.1:80".parse().unwrap();
    let mut serve = Serve::new(&peer(), &authority, &policy(), config, start);
    assert_eq!(actions(&mut serve), [ServeAction::Resolve(authority)]);
    serve
        .handle_resolved([addr("10.0.0.9:8080")], start)
        .unwrap();
    assert_eq!(connect(&mut serve).1, addr("10.0.0.9:8080"));
}

#[test]
fn what_the_directory_does_not_know_is_answered_with_its_reason() {
    // [76]
    let start = epoch();
    let reasons = [
        (Reject::DnsFailed, StatusCode::SERVICE_UNAVAILABLE),
        (Reject::NoSuchPort, StatusCode::SERVICE_UNAVAILABLE),
        (Reject::NotServedHere, StatusCode::BAD_REQUEST),
        (Reject::UnknownService, StatusCode::SERVICE_UNAVAILABLE),
    ];
    for (reason, status) in reasons {
        let mut serve = serve("cart.shop.svc:80", &policy(), start);
        resolving(&mut serve);
        serve.handle_unresolved(reason.clone()).unwrap();
        let answer = reject(&mut serve);
        assert_eq!(answer, reason);
        assert_eq!(answer.status(), status);
    }

    let mut serve = serve("cart.shop.svc:80", &policy(), start);
    resolving(&mut serve);
    serve.handle_resolved([], start).unwrap();
    assert_eq!(reject(&mut serve), Reject::NoEndpoint);
}

#[test]
fn a_silent_resolver_is_abandoned_at_its_deadline() {
    // [76]
    let start = epoch();
    let mut serve = serve("cart.shop.svc:80", &policy(), start);
    resolving(&mut serve);
    assert_eq!(serve.poll_timeout(), Some(start + 5 * SECOND));
    serve.handle_timeout(start + 5 * SECOND - Duration::from_nanos(1));
    assert_eq!(actions(&mut serve), []);
    serve.handle_timeout(start + 5 * SECOND);
    assert_eq!(
        actions(&mut serve),
        [
            ServeAction::Abandon,
            ServeAction::Reject(Reject::DnsTimeout)
        ]
    );
    serve
        .handle_resolved([addr("10.0.0.1:80")], start + 6 * SECOND)
        .expect("an answer that is too late is nobody's mistake");
    assert_eq!(actions(&mut serve), []);
}

#[test]
fn each_way_to_fail_has_its_own_reason_and_the_same_status() {
    // [75]
    let reasons = [
        (ErrorKind::ConnectionRefused, Reject::UpstreamRefused),
        (ErrorKind::HostUnreachable, Reject::UpstreamUnreachable),
        (ErrorKind::NetworkUnreachable, Reject::UpstreamUnreachable),
        (ErrorKind::TimedOut, Reject::UpstreamTimeout),
        (ErrorKind::AddrNotAvailable, Reject::UpstreamFailed),
    ];
    for (kind, reason) in reasons {
        let start = epoch();
        let mut serve = serve("10.0.0.7:80", &policy(), start);
        let (attempt, _) = connect(&mut serve);
        serve.handle_connect_failed(attempt, kind, start).unwrap();
        let answer = reject(&mut serve);
        assert_eq!(answer, reason);
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[test]
fn the_failure_that_tells_most_is_reported() {
    let start = epoch();
    let mut serve = serve("cart.shop.svc:80", &policy(), start);
    resolving(&mut serve);
    let answer = ["[2001:db8::1]:80", "10.0.0.1:80", "10.0.0.2:80"].map(addr);
    serve.handle_resolved(answer, start).unwrap();
    for kind in [
        ErrorKind::NetworkUnreachable,
        ErrorKind::ConnectionRefused,
        ErrorKind::TimedOut,
    ] {
        let (attempt, _) = connect(&mut serve);
        serve.handle_connect_failed(attempt, kind, start).unwrap();
    }
    assert_eq!(reject(&mut serve), Reject::UpstreamRefused);
}

#[test]
fn a_silent_address_gives_way_to_the_next_and_all_of_them_to_the_total() {
    // [75]
    let start = epoch();
    let mut serve = serve("cart.shop.svc:80", &policy(), start);
    resolving(&mut serve);
    let answer = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].map(addr);
    serve.handle_resolved(answer, start + SECOND).unwrap();
    let (first, _) = connect(&mut serve);
    assert_eq!(serve.poll_timeout(), Some(start + 6 * SECOND));

    serve.handle_timeout(start + 6 * SECOND);
    assert_eq!(serve.poll_action(), Some(ServeAction::Abandon));
    let (second, to) = connect(&mut serve);
    assert_eq!(to, addr("10.0.0.2:80"));
    assert_eq!(
        serve.handle_connected(first),
        Ok(false),
        "its socket is not the tunnel's"
    );

    assert_eq!(
        serve.poll_timeout(),
        Some(start + 10 * SECOND),
        "the total comes first"
    );
    serve.handle_timeout(start + 10 * SECOND);
    assert_eq!(
        actions(&mut serve),
        [
            ServeAction::Abandon,
            ServeAction::Reject(Reject::UpstreamTimeout)
        ]
    );
    assert_eq!(serve.handle_connected(second), Ok(false));
    assert_eq!(actions(&mut serve), []);
}

#[test]
fn a_name_with_very_many_addresses_is_tried_only_so_often() {
    let start = epoch();
    let mut serve = serve("cart.shop.svc:80", &policy(), start);
    resolving(&mut serve);
    let answer = (0..=255).map(|last| SocketAddr::from(([10, 0, 0, last], 80)));
    serve.handle_resolved(answer, start).unwrap();
    let mut tried = 0;
    while let [ServeAction::Connect(attempt, _)] = actions(&mut serve)[..] {
        tried += 1;
        serve
            .handle_connect_failed(attempt, ErrorKind::ConnectionRefused, start)
            .unwrap();
    }
    assert_eq!(tried, 8);
    assert_eq!(serve.end_reached(), Some(ServeEnd::Rejected));
}

#[test]
fn of_several_denials_that_of_the_best_address_is_told() {
    let start = epoch();
    let mut serve = serve("cart.shop.svc:80", &policy(), start);
    resolving(&mut serve);
    let answer = ["127.0.0.1:80", "224.0.0.1:80"].map(addr);
    serve.handle_resolved(answer, start).unwrap();
    let reason = Denied::Range {
        addr: answer[0].ip(),
        range: DeniedRange::Loopback,
    };
    assert_eq!(
        reject(&mut serve),
        Reject::denied(reason, DenyStatus::default())
    );
}

#[test]
fn to_try_no_address_is_to_try_one() {
    let start = epoch();
    let mut config = ServeConfig::default();
    config.max_attempts = 0;
    let authority = "cart.shop.svc:80".parse().unwrap();
    let mut serve = Serve::new(&peer(), &authority, &policy(), config, start);
    resolving(&mut serve);
    // The first that is allowed is the one.
    let answer = ["127.0.0.1:80", "10.0.0.1:80", "10.0.0.2:80"].map(addr);
    serve.handle_resolved(answer, start).unwrap();
    let (attempt, to) = connect(&mut serve);
    assert_eq!(to, addr("10.0.0.1:80"));
    serve
        .handle_connect_failed(attempt, ErrorKind::ConnectionRefused, start)
        .unwrap();
    assert_eq!(reject(&mut serve), Reject::UpstreamRefused);
}

#[test]
fn of_an_endless_answer_only_the_beginning_is_looked_at() {
    let start = epoch();
    let loopback = |last: u8| SocketAddr::from(([127, 0, 0, last], 80));
    for (denied, connects) in [(63, true), (64, false)] {
        let mut serve = serve("cart.shop.svc:80", &policy(), start);
        resolving(&mut serve);
        let mut looked_at = 0;
        let answer = (0..denied)
            .map(loopback)
            .chain(std::iter::repeat(addr("10.0.0.1:80")))
            .inspect(|_| looked_at += 1);
        serve.handle_resolved(answer, start).unwrap();
        assert_eq!(looked_at, 64);
        if connects {
            assert_eq!(connect(&mut serve).1, addr("10.0.0.1:80"));
        } else {
            assert_eq!(reject(&mut serve).status(), StatusCode::FORBIDDEN);
        }
    }
}

#[test]
fn a_resolver_that_leaves_no_time_to_connect_is_what_failed() {
    // [76]
    let start = epoch();
    let mut config = ServeConfig::default();
    config.total_timeout = 3 * SECOND;
    let by_name = "cart.shop.svc:80".parse().unwrap();
    let begin = |authority| Serve::new(&peer(), authority, &policy(), config, start);
    let addresses = ["10.0.0.1:80", "10.0.0.2:80"].map(addr);

    let mut late = begin(&by_name);
    resolving(&mut late);
    late.handle_resolved(addresses, start + 3 * SECOND).unwrap();
    assert_eq!(reject(&mut late), Reject::DnsTimeout);

    // Once something was tried, the addresses are to blame.
    let mut tried = begin(&by_name);
    resolving(&mut tried);
    tried
        .handle_resolved(addresses, start + 2 * SECOND)
        .unwrap();
    let (attempt, _) = connect(&mut tried);
    tried
        .handle_connect_failed(attempt, ErrorKind::HostUnreachable, start + 3 * SECOND)
        .unwrap();
    assert_eq!(reject(&mut tried), Reject::UpstreamUnreachable);

    // Nobody is asked about an address, so no resolver was slow.
    config.total_timeout = Duration::ZERO;
    let by_address = "10.0.0.7:80".parse().unwrap();
    let mut none = Serve::new(&peer(), &by_address, &policy(), config, start);
    assert_eq!(reject(&mut none), Reject::UpstreamTimeout);
}

#[test]
fn a_peer_that_resets_is_not_answered_and_its_dial_is_dropped() {
    // [29]
    let start = epoch();
    let mut dialling = serve("10.0.0.7:80", &policy(), start);
    let (attempt, _) = connect(&mut dialling);
    dialling.handle_reset();
    assert_eq!(actions(&mut dialling), [ServeAction::Abandon]);
    assert_eq!(dialling.end_reached(), Some(ServeEnd::Abandoned));
    assert_eq!(dialling.handle_connected(attempt), Ok(false));
    dialling.handle_timeout(start + 100 * SECOND);
    dialling.reject(Reject::Draining);
    assert_eq!(actions(&mut dialling), []);

    let mut locating = serve("cart.shop.svc:80", &policy(), start);
    resolving(&mut locating);
    locating.handle_reset();
    assert_eq!(actions(&mut locating), [ServeAction::Abandon]);

    // What nobody has begun needs not be dropped.
    let mut fresh = serve("10.0.0.7:80", &policy(), start);
    fresh.handle_reset();
    assert_eq!(actions(&mut fresh), []);
}

#[test]
fn we_may_change_our_mind_until_the_answer() {
    let start = epoch();
    let mut serve = serve("10.0.0.7:80", &policy(), start);
    let (attempt, _) = connect(&mut serve);
    serve.reject(Reject::Draining);
    assert_eq!(
        actions(&mut serve),
        [ServeAction::Abandon, ServeAction::Reject(Reject::Draining)]
    );
    assert_eq!(serve.handle_connected(attempt), Ok(false));
    serve.reject(Reject::TooManyTunnels);
    assert_eq!(actions(&mut serve), [], "one answer is enough");
}

#[test]
fn an_answer_to_what_was_not_asked_is_the_callers_mistake() {
    let start = epoch();
    let mut serve = serve("cart.shop.svc:80", &policy(), start);
    let early = serve
        .handle_resolved([addr("10.0.0.1:80")], start)
        .unwrap_err();
    assert_eq!(early.call(), "Serve::handle_resolved");
    resolving(&mut serve);
    serve.handle_resolved([addr("10.0.0.1:80")], start).unwrap();
    serve.handle_unresolved(Reject::DnsFailed).unwrap_err();
    let (attempt, _) = connect(&mut serve);
    assert_eq!(
        serve.handle_connected(attempt),
        Ok(true),
        "the machine has not been harmed"
    );
}

#[test]
fn serving_is_small_and_prints_on_one_line() {
    assert!(size_of::<Serve>() <= 320, "{}", size_of::<Serve>());
    let start = epoch();
    let mut serve = serve("cart.shop.svc:80", &policy(), start);
    let mut lines = vec![format!("{serve:?}")];
    resolving(&mut serve);
    let answer = (0..8).map(|last| SocketAddr::from(([10, 0, 0, last], 80)));
    serve.handle_resolved(answer, start).unwrap();
    lines.push(format!("{serve:?}"));
    serve.handle_reset();
    lines.push(format!("{serve:?}"));
    for line in lines {
        assert!(line.len() <= 200 && !line.contains('\n'), "{line}");
    }
}

#[test]
fn a_flood_of_early_resets_is_noticed_and_ordinary_ones_are_not() {
    // [28]
    let start = epoch();
    let mut flooded = ResetBudget::with_defaults(start);
    let burst = (0..10_000).take_while(|_| flooded.handle_early_reset(start));
    assert_eq!(burst.count(), 1_000);

    // A steady stream below the rate goes on for ever; one above it is noticed once the burst is used up.
    let mut steady = ResetBudget::new(10, 30, start);
    let mut hasty = steady.clone();
    let mut noticed = None;
    for number in 0..10_000 {
        assert!(steady.handle_early_reset(start + number * SECOND / 30));
        if !hasty.handle_early_reset(start + number * SECOND / 40) && noticed.is_none() {
            noticed = Some(number);
        }
    }
    assert_eq!(
        noticed,
        Some(37),
        "ten of the burst, and 27 that came meanwhile"
    );

    let mut once = ResetBudget::new(1, 0, start);
    assert!(once.handle_early_reset(start));
    assert!(!once.handle_early_reset(start + 1_000_000 * SECOND));
    assert!(size_of::<ResetBudget>() <= 48);
}

#[derive(Debug, Clone)]
enum Event {
    Resolved(Vec<u8>),
    Unresolved,
    Connected(bool),
    Failed(bool),
    Reset,
    Reject,
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => proptest::collection::vec(0..6_u8, 0..12).prop_map(Event::Resolved),
        1 => Just(Event::Unresolved),
        2 => any::<bool>().prop_map(Event::Connected),
        6 => any::<bool>().prop_map(Event::Failed),
        1 => Just(Event::Reset),
        1 => Just(Event::Reject),
        4 => (0..4_000_u64).prop_map(Event::Wait),
    ]
}

/// Six addresses, of which the first three are denied.
fn address(index: u8) -> SocketAddr {
    let octet = [127, 169, 224, 10, 10, 10][usize::from(index % 6)];
    SocketAddr::from(([octet, 254, 0, index], 80))
}

proptest! {
    #[test]
    fn whatever_the_order_there_is_one_end_and_no_acceptance_without_an_upstream(
        by_name: bool,
        history in proptest::collection::vec(event(), 0..40),
    ) {
        let start = epoch();
        let authority = if by_name { "cart.shop.svc:80" } else { "10.254.0.3:80" };
        let mut serve = serve(authority, &policy(), start);
        let (mut now, mut under_way, mut given) = (start, None::<ServeAction>, Vec::new());
        let (mut answers, mut connected, mut left) = (0, false, false);
        for event in std::iter::once(Event::Wait(0)).chain(history) {
            let pick = |latest: bool| if latest { given.last().copied() } else { given.first().copied() };
            match event {
                Event::Resolved(addresses) => {
                    let asked = matches!(under_way, Some(ServeAction::Resolve(_)));
                    let answer = serve.handle_resolved(addresses.into_iter().map(address), now);
                    prop_assert!(!asked || answer.is_ok());
                    if asked { under_way = None; }
                }
                Event::Unresolved => {
                    let asked = matches!(under_way, Some(ServeAction::Resolve(_)));
                    prop_assert!(serve.handle_unresolved(Reject::DnsFailed).is_ok() || !asked);
                    if asked { under_way = None; }
                }
                Event::Connected(latest) => if let Some(attempt) = pick(latest) {
                    let current = matches!(under_way, Some(ServeAction::Connect(this, _)) if this == attempt);
                    prop_assert_eq!(serve.handle_connected(attempt), Ok(current));
                    if current { under_way = None; connected = true; }
                },
                Event::Failed(latest) => if let Some(attempt) = pick(latest) {
                    let current = matches!(under_way, Some(ServeAction::Connect(this, _)) if this == attempt);
                    prop_assert!(serve.handle_connect_failed(attempt, ConnectFailure::Refused, now).is_ok());
                    if current { under_way = None; }
                },
                Event::Reset => {
                    left |= serve.end_reached().is_none();
                    serve.handle_reset();
                }
                Event::Reject => serve.reject(Reject::Draining),
                Event::Wait(ms) => {
                    now += Duration::from_millis(ms);
                    serve.handle_timeout(now);
                }
            }
            for action in actions(&mut serve) {
                prop_assert_eq!(answers, 0, "nothing follows the answer");
                match &action {
                    ServeAction::Abandon => {
                        prop_assert!(under_way.take().is_some(), "only what is under way is abandoned");
                    }
                    ServeAction::Resolve(_) => under_way = Some(action),
                    ServeAction::Connect(attempt, to) => {
                        prop_assert!(under_way.is_none(), "one thing at a time");
                        prop_assert!(to.addr().ip().to_string().starts_with("10."), "{} was denied", to);
                        prop_assert!(now < start + 10 * SECOND, "nothing is begun past the deadline");
                        given.push(*attempt);
                        under_way = Some(action);
                    }
                    ServeAction::Accept => {
                        prop_assert!(connected, "200 needs an upstream");
                        answers += 1;
                    }
                    ServeAction::Reject(_) => {
                        prop_assert!(!connected && under_way.is_none());
                        answers += 1;
                    }
                    other => prop_assert!(false, "unknown action {:?}", other),
                }
            }
            prop_assert!(!left || answers == 0, "who has left is not answered");
            prop_assert_eq!(serve.end_reached().is_some(), answers == 1 || left);
            prop_assert_eq!(serve.poll_timeout().is_none(), serve.end_reached().is_some());
            prop_assert_eq!(under_way.is_some(), serve.end_reached().is_none());
        }
        // Nobody hangs: time alone brings it to its end.
        while let Some(due) = serve.poll_timeout() {
            serve.handle_timeout(due);
            actions(&mut serve);
        }
        prop_assert!(serve.end_reached().is_some());
    }
}

#[test]
fn only_a_policy_makes_what_may_be_dialled() {
    // The type says it: there is no `From<SocketAddr> for Checked<SocketAddr>`, and its field is private. What is left to test
    // is that the canonical address is the one that is dialled.
    let start = epoch();
    let mut serve = serve("[::ffff:10.0.0.7]:80", &policy(), start);
    let (_, to): (_, SocketAddr) = connect(&mut serve);
    assert_eq!(to, addr("10.0.0.7:80"));
    let admitted = policy()
        .admit(&peer(), &"10.0.0.7:80".parse().unwrap())
        .unwrap();
    let checked: Checked<SocketAddr> = admitted.check(addr("[::ffff:10.0.0.7]:80")).unwrap();
    assert_eq!(checked.addr(), to);
}
