//! What holds of the client's machines one by one, whatever is reported to them in whatever order.

use std::time::Instant;

use hbone::{
    ApiMisuse, Connect, Dial, DialAction, DialCause, DialError, DialLimits, Establish,
    EstablishError, ExpectedIdentities, Hop, Identity, LinkFailure, Reason, Request, RequestAction,
    RequestError, RequestLimits, Route, Stage, Timeouts,
};
use http::{Response, StatusCode, response};
use proptest::prelude::*;

use super::world::epoch::epoch;
use super::world::ms;

fn server() -> Identity {
    "spiffe://cluster.local/ns/default/sa/server"
        .parse()
        .unwrap()
}

fn route(hops: usize) -> Route {
    let hop = || {
        let connect = Connect::new("echo.default.svc:80".parse().unwrap());
        Hop::new(connect, ExpectedIdentities::from(server()))
    };
    let first = Route::new("10.9.0.1:15008".parse().unwrap(), hop());
    (1..hops).fold(first, |route, _| route.through(hop()))
}

fn head(status: u16) -> response::Parts {
    let response = Response::builder().status(status).body(()).unwrap();
    response.into_parts().0
}

#[test]
fn a_peer_that_breaks_the_protocol_on_a_pooled_connection_is_not_asked_again() {
    // [104]: only a connection that has died unnoticed is repeated.
    let broken = LinkFailure::Http2("COMPRESSION_ERROR".into());
    for (failure, repeats) in [(LinkFailure::Closed, true), (broken, false)] {
        let mut dial = Dial::new(&route(1), DialLimits::default(), epoch());
        assert!(matches!(dial.poll(), Some(DialAction::Checkout { .. })));
        dial.handle_checkout(0, true).unwrap();
        assert!(matches!(dial.poll(), Some(DialAction::Request { .. })));
        dial.handle_request(0, Err(RequestError::Lost(failure)))
            .unwrap();
        let again = matches!(dial.poll(), Some(DialAction::Checkout { .. }));
        assert_eq!(again, repeats);
    }
}

#[test]
fn machines_are_small_and_print_on_one_line() {
    let now = epoch();
    let dial = Dial::new(&route(2), DialLimits::default(), now);
    let request = Request::new(RequestLimits::default(), now);
    let address = "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:15008"
        .parse()
        .unwrap();
    let establish = Establish::over_tcp(address, server().into(), Timeouts::default(), now);
    for line in [
        format!("{dial:?}"),
        format!("{request:?}"),
        format!("{establish:?}"),
    ] {
        assert!(line.len() <= 200 && !line.contains('\n'), "{line}");
    }
    assert!(size_of::<Dial>() <= 320, "{}", size_of::<Dial>());
    assert!(size_of::<Request>() <= 192, "{}", size_of::<Request>());
    assert!(size_of::<Establish>() <= 320, "{}", size_of::<Establish>());
}

#[test]
fn reports_that_crossed_the_end_are_nobodys_mistake() {
    let now = epoch();
    let mut dial = Dial::new(&route(2), DialLimits::default(), now);
    assert!(matches!(dial.poll(), Some(DialAction::Checkout { .. })));
    dial.cancel();
    // The end stands before it has been told.
    assert_eq!(dial.handle_checkout(1, true), Ok(()));
    assert_eq!(dial.handle_establish(0, Ok(())), Ok(()));
    assert_eq!(dial.handle_request(7, Ok(())), Ok(()));
    assert_eq!(dial.poll(), Some(DialAction::Abandon { level: 1 }));
    let Some(DialAction::Ended(Err(error))) = dial.poll() else {
        panic!("expected the end of {dial:?}");
    };
    assert_eq!(error.cause, DialCause::Cancelled);
    assert_eq!(dial.handle_checkout_failed(0, error), Ok(()));
    assert_eq!(dial.poll(), None);

    let mut establish = Establish::over_tunnel(server().into(), Timeouts::default(), now);
    establish.handle_failure(LinkFailure::Closed);
    assert_eq!(
        establish.handle_secured(&server(), Some(b"h2"), now),
        Ok(())
    );
    assert_eq!(establish.handle_settings(), Ok(()));
    assert_eq!(establish.poll(), Some(Err(down())));
    assert_eq!(establish.handle_connected(now), Ok(()));
    assert_eq!((establish.poll(), establish.poll_timeout()), (None, None));
}

#[test]
fn a_walk_that_has_begun_nothing_takes_no_report_and_abandons_nothing() {
    let mut dial = Dial::new(&route(1), DialLimits::default(), epoch());
    assert!(dial.handle_checkout(0, false).is_err(), "not asked for yet");
    dial.cancel();
    assert!(matches!(dial.poll(), Some(DialAction::Ended(Err(_)))));
    assert_eq!(dial.poll(), None);
}

#[test]
fn a_connect_is_repeated_on_another_connection() {
    let checkout = |elsewhere| {
        Some(DialAction::Checkout {
            level: 0,
            elsewhere,
        })
    };
    let mut dial = Dial::new(&route(1), DialLimits::default(), epoch());
    assert_eq!(dial.poll(), checkout(false));
    dial.handle_checkout(0, true).unwrap();
    assert_eq!(dial.poll(), Some(DialAction::Request { level: 0 }));
    let refused = RequestError::Reset(Reason::REFUSED_STREAM);
    dial.handle_request(0, Err(refused)).unwrap();
    assert_eq!(dial.poll(), checkout(true));
}

#[test]
fn a_peer_that_did_not_agree_to_http2_is_not_spoken_to() {
    for alpn in [None, Some(&b"http/1.1"[..]), Some(b""), Some(b"h2c")] {
        let now = epoch();
        let mut establish = Establish::over_tunnel(server().into(), Timeouts::default(), now);
        establish.handle_secured(&server(), alpn, now).unwrap();
        assert_eq!(establish.poll(), Some(Err(EstablishError::Alpn)));
    }
}

/// What may be reported to a walk, rightly or wrongly.
#[derive(Debug, Clone)]
enum DialEvent {
    Checkout(usize, bool),
    Establish(usize, bool),
    Request(usize, Result<(), RequestError>),
    Cancel,
    Wait(u64),
    /// What the last action asked for, done well.
    AsAsked,
}

fn dial_event() -> impl Strategy<Value = DialEvent> {
    let error = prop_oneof![
        Just(RequestError::GoingAway),
        Just(RequestError::Lost(LinkFailure::Closed)),
        Just(RequestError::Reset(Reason::REFUSED_STREAM)),
        Just(RequestError::Reset(Reason::CANCEL)),
        Just(RequestError::TimedOut(ms(1))),
    ];
    let outcome = prop_oneof![2 => Just(Ok(())), 3 => error.prop_map(Err)];
    prop_oneof![
        3 => (0..4_usize, any::<bool>()).prop_map(|(level, found)| DialEvent::Checkout(level, found)),
        2 => (0..4_usize, any::<bool>()).prop_map(|(level, up)| DialEvent::Establish(level, up)),
        3 => (0..4_usize, outcome).prop_map(|(level, outcome)| DialEvent::Request(level, outcome)),
        1 => Just(DialEvent::Cancel),
        2 => (0..30_000_u64).prop_map(DialEvent::Wait),
        8 => Just(DialEvent::AsAsked),
    ]
}

fn down() -> EstablishError {
    EstablishError::Closed(Stage::Tls)
}

/// Whether a report is what the last action asked for; a shared failure may answer a checkout too.
fn fits(event: &DialEvent, asked: Option<&DialAction>) -> bool {
    match (event, asked) {
        (DialEvent::Checkout(level, _), Some(DialAction::Checkout { level: at, .. }))
        | (DialEvent::Establish(level, false), Some(DialAction::Checkout { level: at, .. }))
        | (DialEvent::Establish(level, _), Some(DialAction::Establish { level: at }))
        | (DialEvent::Request(level, _), Some(DialAction::Request { level: at })) => level == at,
        _ => false,
    }
}

fn report(dial: &mut Dial, event: DialEvent) -> Result<(), ApiMisuse> {
    match event {
        DialEvent::Checkout(level, found) => dial.handle_checkout(level, found),
        DialEvent::Establish(level, up) => {
            dial.handle_establish(level, if up { Ok(()) } else { Err(down()) })
        }
        DialEvent::Request(level, outcome) => dial.handle_request(level, outcome),
        DialEvent::Cancel | DialEvent::Wait(_) | DialEvent::AsAsked => Ok(()),
    }
}

proptest! {
    #[test]
    fn a_walk_ends_exactly_once_and_until_then_takes_no_report_that_it_did_not_ask_for(
        hops in 1..4_usize,
        history in proptest::collection::vec(dial_event(), 0..60),
    ) {
        let start = epoch();
        let mut now: Instant = start;
        let mut dial = Dial::new(&route(hops), DialLimits::default(), now);
        let (mut asked, mut ended, mut requests) = (None::<DialAction>, None, 0);
        for event in std::iter::once(DialEvent::Wait(0)).chain(history) {
            match (event, &asked) {
                (DialEvent::Cancel, _) => dial.cancel(),
                (DialEvent::Wait(wait), _) => {
                    now += ms(wait);
                    dial.handle_timeout(now);
                }
                (DialEvent::AsAsked, Some(action)) => {
                    let well = match *action {
                        DialAction::Checkout { level, .. } => DialEvent::Checkout(level, false),
                        DialAction::Establish { level } => DialEvent::Establish(level, true),
                        DialAction::Request { level } => DialEvent::Request(level, Ok(())),
                        ref other => panic!("{other:?} asks for nothing"),
                    };
                    prop_assert_eq!(report(&mut dial, well), Ok(()));
                    asked = None;
                }
                (DialEvent::AsAsked, None) => {}
                (event, asked_for) => {
                    let fits = fits(&event, asked_for.as_ref());
                    prop_assert_eq!(report(&mut dial, event).is_ok(), fits || ended.is_some());
                    if fits {
                        asked = None;
                    }
                }
            }
            while let Some(action) = dial.poll() {
                prop_assert_eq!(&ended, &None, "nothing follows the end");
                match &action {
                    DialAction::Abandon { .. } => {
                        prop_assert!(asked.take().is_some(), "only what was asked for is abandoned");
                    }
                    DialAction::Ended(outcome) => {
                        prop_assert!(asked.is_none(), "what was asked for is abandoned first");
                        ended = Some(outcome.clone());
                    }
                    _ => {
                        requests += usize::from(matches!(action, DialAction::Request { .. }));
                        asked = Some(action);
                    }
                }
            }
            prop_assert_eq!(dial.poll_timeout().is_some(), ended.is_none());
            prop_assert!(ended.is_some() || asked.is_some(), "a walk always waits for something, or is over");
        }
        // One repeat may walk all levels again, no more than that.
        prop_assert!(requests <= 2 * hops);
        if let Some(Err(DialError { level, cause, .. })) = &ended {
            prop_assert!(*level < hops);
            prop_assert!(!matches!(cause, DialCause::Misuse(_)));
            prop_assert!(now - start >= ms(60_000) || !matches!(cause, DialCause::TimedOut(_)));
        }
    }

    #[test]
    fn a_request_ends_exactly_once_and_opens_only_by_a_status_that_opens(
        history in proptest::collection::vec((0..7_u8, 100..600_u16, 0..9_000_u64), 0..12),
    ) {
        let start = epoch();
        let mut now = start;
        let mut request = Request::new(RequestLimits::default(), now);
        let (mut resets, mut ended, mut saw_200, mut answered) = (0, None, false, false);
        for (event, number, wait) in history {
            let before = ended.is_some();
            match event {
                0 | 1 => {
                    saw_200 |= number == 200 && !before;
                    request.handle_response(&head(number));
                    answered = true;
                }
                2 => request.handle_informational(StatusCode::from_u16(100 + number % 100).unwrap()),
                3 => request.handle_reset(Reason::from_wire(number.into())),
                4 => request.handle_goaway(),
                5 => request.cancel(),
                _ => {
                    now += ms(wait);
                    request.handle_timeout(now);
                }
            }
            while let Some(action) = request.poll() {
                prop_assert!(!before && ended.is_none(), "nothing follows the end");
                match action {
                    RequestAction::Reset(_) => resets += 1,
                    RequestAction::Ended(outcome) => ended = Some(outcome),
                    other => prop_assert!(false, "unknown action {:?}", other),
                }
            }
            prop_assert_eq!(request.poll_timeout().is_some(), ended.is_none());
        }
        prop_assert!(resets <= 1);
        prop_assert!(!answered || ended.is_some());
        match ended {
            Some(Ok(_)) => prop_assert!(saw_200 && resets == 0),
            Some(Err(RequestError::TimedOut(_))) => prop_assert!(now - start >= ms(15_000) && resets == 1),
            Some(Err(RequestError::Reset(_) | RequestError::GoingAway)) => prop_assert_eq!(resets, 0),
            _ => {}
        }
    }

    #[test]
    fn a_connection_counts_only_after_every_stage_and_the_right_peer(
        history in proptest::collection::vec((0..6_u8, any::<bool>(), 0..9_000_u64), 0..14),
    ) {
        let mut now = epoch();
        let address = "10.0.0.2:15008".parse().unwrap();
        let mut establish = Establish::over_tcp(address, server().into(), Timeouts::default(), now);
        let other: Identity = "spiffe://cluster.local/ns/default/sa/other".parse().unwrap();
        let (mut outcome, mut secured_well) = (None, false);
        for (event, well, wait) in history {
            let stage = establish.stage();
            match event {
                0 => {
                    let done = establish.handle_connected(now);
                    prop_assert_eq!(done.is_ok(), matches!(stage, Stage::Tcp | Stage::Ended));
                }
                1 | 2 => {
                    let who = if well { server() } else { other.clone() };
                    let alpn = (event == 1).then_some(&b"h2"[..]);
                    let done = establish.handle_secured(&who, alpn, now);
                    prop_assert_eq!(done.is_ok(), matches!(stage, Stage::Tls | Stage::Ended));
                    secured_well |= stage == Stage::Tls && well && event == 1;
                }
                3 => {
                    let done = establish.handle_settings();
                    prop_assert_eq!(done.is_ok(), matches!(stage, Stage::Settings | Stage::Ended));
                }
                4 if !well => establish.handle_failure(LinkFailure::Closed),
                _ => {
                    now += ms(wait);
                    establish.handle_timeout(now);
                }
            }
            if let Some(result) = establish.poll() {
                prop_assert_eq!(&outcome, &None, "one outcome");
                prop_assert_eq!(establish.stage(), Stage::Ended);
                outcome = Some(result);
            }
            prop_assert_eq!(establish.poll_timeout().is_some(), outcome.is_none());
        }
        if let Some(Ok(established)) = outcome {
            prop_assert!(secured_well);
            prop_assert_eq!(established.peer, server());
        }
    }
}
