//! What a walk makes of a checkout that waited and failed.

#[path = "world/epoch.rs"]
mod epoch;

use epoch::epoch;
use hbone::pool::Failure;
use hbone::{
    Connect, Dial, DialAction, DialCause, DialError, DialLimits, EstablishError,
    ExpectedIdentities, Hop, Route, Stage,
};

fn double() -> Route {
    let hop = || {
        let connect = Connect::new("server.default:80".parse().expect("an authority"));
        Hop::new(connect, ExpectedIdentities::default())
    };
    Route::new("10.0.0.2:15008".parse().expect("an address"), hop()).through(hop())
}

#[test]
fn a_failure_further_out_ends_the_walk_with_its_own_level() {
    let start = epoch();
    let mut dial = Dial::new(&double(), DialLimits::default(), start);
    let checkout = DialAction::Checkout {
        level: 1,
        elsewhere: false,
    };
    assert_eq!(dial.poll(), Some(checkout));
    let shared = Failure::Dial {
        error: DialError::new(0, 1, EstablishError::Closed(Stage::Tls).into()),
        retry_at: start,
    };
    let error = DialError::from_pool(shared, 1, 2);
    assert_eq!((error.level, error.hops), (0, 2));
    dial.handle_checkout_failed(1, error.clone())
        .expect("asked for");
    assert_eq!(dial.poll(), Some(DialAction::Ended(Err(error.clone()))));
    assert_eq!(dial.handle_checkout_failed(1, error), Ok(()));
    assert_eq!(dial.poll(), None, "it is over");
}

#[test]
fn a_pool_without_a_stream_is_named_at_the_hop_that_wanted_one() {
    for (failure, text) in [
        (Failure::NoCapacity, "MAX_CONCURRENT_STREAMS"),
        (Failure::Draining, "draining"),
        (Failure::QueueFull, "max_waiting"),
    ] {
        let error = DialError::from_pool(failure, 1, 2);
        assert!(matches!(error.cause, DialCause::NoStream(_)));
        let shown = error.to_string();
        assert!(
            shown.starts_with("the inner hop (2 of 2)") && shown.contains(text),
            "{shown}"
        );
    }
}
