//! Whoever gives up, at whatever point, leaves nothing behind. [98]

use hbone::{DialCause, Reason};

use super::world::{Client, Ending, Frame, Peer, ms};

const GATEWAY: &str = "10.9.0.1:15008";
const SERVICE: &str = "echo.default.svc:80";
const INSIDE: &str = "[echo.default.svc:80]";

/// Slow enough that every point of a walk lasts for some milliseconds.
fn slow() -> Peer {
    Peer {
        delay: ms(10),
        ..Peer::good()
    }
}

#[test]
fn a_walk_that_is_given_up_at_any_point_leaves_nothing_behind() {
    // A whole walk takes 110 ms here; the last ones are given up with the tunnel open.
    for pooled in [true, false] {
        for at in 0..130 {
            let client = if pooled {
                Client::new(at)
            } else {
                Client::without_pool(at)
            };
            let mut client = client.peer(GATEWAY, slow()).peer(INSIDE, slow());
            let walk = client.connect(GATEWAY, &[SERVICE, SERVICE]);
            client.after(ms(at), move |client| client.give_up(walk));
            client.run(ms(1_000));
            match client.ending(walk) {
                Ending::Dial(error) => assert_eq!(error.cause, DialCause::Cancelled, "at {at} ms"),
                Ending::Open => assert!(at >= 50, "at {at} ms"),
                other @ Ending::Pool(_) => panic!("{other:?} at {at} ms"),
            }
            assert_eq!(client.streams(), 0, "at {at} ms");
            assert!(client.links() <= usize::from(pooled), "at {at} ms");
        }
    }
}

#[test]
fn those_who_stay_in_the_queue_are_served_whoever_leaves_it() {
    for seed in 0..20 {
        let mut client = Client::new(seed).peer(GATEWAY, slow().with_streams(10));
        for walk in 0..100 {
            client.connect(GATEWAY, &[SERVICE]);
            if walk % 2 == 0 {
                client.after(ms(seed * 3 % 60), move |client| client.give_up(walk));
            }
        }
        client.run(ms(2_500));
        for walk in (1..100).step_by(2) {
            assert_eq!(
                client.ending(walk),
                &Ending::Open,
                "walk {walk}, seed {seed}"
            );
        }
        assert_eq!(client.streams(), 50);
    }
}

#[test]
fn a_walk_has_a_limit_of_its_own_above_those_of_its_stages() {
    let mut client = Client::new(1).peer(GATEWAY, Peer::good()).peer(
        INSIDE,
        Peer {
            settings: None,
            ..Peer::good()
        },
    );
    client.dial_limits.total = ms(500);
    let walk = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(2_000));
    match client.ending(walk) {
        Ending::Dial(error) => assert_eq!(error.cause, DialCause::TimedOut(ms(500))),
        other => panic!("expected a timeout, not {other:?}"),
    }
    assert_eq!(client.time_of(walk), ms(500));
    assert_eq!(client.streams(), 0);
}

#[test]
fn giving_up_twice_or_too_late_means_nothing() {
    let refuse = Frame::Reset(Reason::INTERNAL_ERROR);
    let mut client = Client::new(1).peer(GATEWAY, Peer::good().answer([refuse]));
    let failed = client.connect(GATEWAY, &[SERVICE]);
    client.run(ms(100));
    let before = client.ending(failed).clone();
    client.give_up(failed);
    client.give_up(failed);
    client.run(ms(100));
    assert_eq!(client.ending(failed), &before);
}
