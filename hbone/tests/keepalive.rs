//! When a silent peer is asked, and when it is given up. Numbers in brackets are rows of docs/faults.md.

#[path = "world/epoch.rs"]
mod epoch;

use std::time::{Duration, Instant};

use hbone::{Keepalive, KeepaliveAction, KeepaliveConfig};
use proptest::prelude::*;

use epoch::epoch;

const INTERVAL: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_millis(400);
const MS: Duration = Duration::from_millis(1);

fn watched(start: Instant) -> Keepalive {
    Keepalive::new(Some(KeepaliveConfig::new(INTERVAL, TIMEOUT)), start)
}

/// Lets the timer fire whenever it is due until `end`, and gives the actions with their times.
fn run(
    keepalive: &mut Keepalive,
    start: Instant,
    end: Instant,
) -> Vec<(Duration, KeepaliveAction)> {
    let mut actions = Vec::new();
    while let Some(due) = keepalive.poll_timeout().filter(|due| *due <= end) {
        keepalive.handle_timeout(due);
        let next = std::iter::from_fn(|| keepalive.poll_action());
        actions.extend(next.map(|action| (due - start, action)));
    }
    actions
}

#[test]
fn a_peer_that_vanishes_is_given_up_after_interval_and_timeout() {
    // [38], [104], [129]
    let start = epoch();
    let mut keepalive = watched(start);
    let actions = run(&mut keepalive, start, start + 10 * TIMEOUT);
    assert_eq!(
        actions,
        [
            (INTERVAL, KeepaliveAction::Ping),
            (INTERVAL + TIMEOUT, KeepaliveAction::Close)
        ]
    );
    assert!(keepalive.is_given_up());
    assert_eq!(keepalive.poll_timeout(), None);
    keepalive.handle_pong(start + 20 * TIMEOUT);
    assert!(
        keepalive.is_given_up(),
        "an answer cannot reopen a closed connection"
    );
}

#[test]
fn no_ping_is_sent_while_data_flows() {
    let start = epoch();
    let mut keepalive = watched(start);
    for step in 0..1_000 {
        let now = start + step * (INTERVAL / 2);
        keepalive.handle_progress(now);
        keepalive.handle_timeout(now);
        assert_eq!(keepalive.poll_action(), None);
    }
}
/// HBONE-R-007.

#[test]
fn an_idle_peer_that_answers_is_asked_once_an_interval() {
    let start = epoch();
    let mut keepalive = watched(start);
    let round_trip = 5 * MS;
    let mut now = start;
    for _ in 0..100 {
        let due = keepalive.poll_timeout().unwrap();
        assert_eq!(due, now + INTERVAL);
        keepalive.handle_timeout(due);
        assert_eq!(keepalive.poll_action(), Some(KeepaliveAction::Ping));
        assert_eq!(keepalive.poll_action(), None);
        now = due + round_trip;
        keepalive.handle_pong(now);
    }
}

#[test]
fn on_a_saturated_link_an_answer_behind_bulk_data_is_waited_for() {
    // [131]: the answer takes 50 timeouts, but frames keep coming
    let start = epoch();
    let mut keepalive = watched(start);
    let mut now = start + INTERVAL;
    keepalive.handle_timeout(now);
    assert_eq!(keepalive.poll_action(), Some(KeepaliveAction::Ping));
    for _ in 0..50 {
        now += TIMEOUT - MS;
        keepalive.handle_progress(now);
        keepalive.handle_timeout(now);
        assert_eq!(keepalive.poll_action(), None, "no second PING, and no end");
    }
    // When the frames stop too, the peer is gone.
    let actions = run(&mut keepalive, now, now + 10 * TIMEOUT);
    assert_eq!(actions, [(TIMEOUT, KeepaliveAction::Close)]);
}

#[test]
fn a_link_that_was_down_for_less_than_the_timeout_costs_nothing() {
    // [130]
    let start = epoch();
    let mut keepalive = watched(start);
    let up_again = start + INTERVAL + TIMEOUT - MS;
    let actions = run(&mut keepalive, start, up_again);
    assert_eq!(actions, [(INTERVAL, KeepaliveAction::Ping)]);
    keepalive.handle_pong(up_again);
    assert_eq!(keepalive.poll_timeout(), Some(up_again + INTERVAL));
}

#[test]
fn a_program_that_was_suspended_asks_before_it_gives_up() {
    let start = epoch();
    let mut keepalive = watched(start);
    let woken = start + 1_000 * TIMEOUT;
    keepalive.handle_timeout(woken);
    keepalive.handle_timeout(woken);
    assert_eq!(keepalive.poll_action(), Some(KeepaliveAction::Ping));
    assert_eq!(keepalive.poll_timeout(), Some(woken + TIMEOUT));
}

#[test]
fn a_ping_that_is_due_is_not_sent_if_data_comes_first() {
    let start = epoch();
    let mut keepalive = watched(start);
    keepalive.handle_timeout(start + INTERVAL);
    keepalive.handle_progress(start + INTERVAL + MS);
    assert_eq!(keepalive.poll_action(), None);
    assert_eq!(keepalive.poll_timeout(), Some(start + 2 * INTERVAL + MS));
}

#[test]
fn off_means_off() {
    let start = epoch();
    let mut keepalive = Keepalive::new(None, start);
    assert_eq!(keepalive.poll_timeout(), None);
    keepalive.handle_timeout(start + 1_000_000 * TIMEOUT);
    assert_eq!(keepalive.poll_action(), None);
}

#[test]
fn absurd_figures_do_not_overflow() {
    let start = epoch();
    let forever = KeepaliveConfig::new(Duration::MAX, Duration::MAX);
    let mut keepalive = Keepalive::new(Some(forever), start);
    keepalive.handle_timeout(start + 1_000_000 * TIMEOUT);
    assert_eq!(keepalive.poll_action(), None);
}

#[test]
fn a_keepalive_is_small_and_prints_on_one_line() {
    assert!(size_of::<Keepalive>() <= 96, "{}", size_of::<Keepalive>());
    let line = format!("{:?}", watched(epoch()));
    assert!(line.len() <= 200 && !line.contains('\n'), "{line}");
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Progress,
    Pong,
    Timer,
    Wait(u32),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Progress),
        1 => Just(Event::Pong),
        3 => Just(Event::Timer),
        4 => (1..700_u32).prop_map(Event::Wait),
    ]
}

proptest! {
    #[test]
    fn the_peer_is_given_up_only_after_real_silence_behind_a_ping(
        history in proptest::collection::vec(event(), 0..60),
    ) {
        let start = epoch();
        let mut keepalive = watched(start);
        let (mut now, mut last_life, mut asked) = (start, start, None);
        for event in history {
            match event {
                Event::Progress => {
                    last_life = now;
                    keepalive.handle_progress(now);
                }
                Event::Pong => {
                    last_life = now;
                    asked = None;
                    keepalive.handle_pong(now);
                }
                Event::Timer => keepalive.handle_timeout(now),
                Event::Wait(ms) => now += ms * MS,
            }
            let mut closed = false;
            while let Some(action) = keepalive.poll_action() {
                prop_assert!(!closed, "nothing follows the end");
                match action {
                    KeepaliveAction::Ping => {
                        prop_assert_eq!(asked, None, "one PING at a time");
                        prop_assert!(now >= last_life + INTERVAL, "only into silence");
                        asked = Some(now);
                    }
                    KeepaliveAction::Close => {
                        prop_assert!(now >= last_life + TIMEOUT);
                        prop_assert!(asked.is_some_and(|asked| now >= asked + TIMEOUT));
                        closed = true;
                    }
                    other => prop_assert!(false, "unknown action {:?}", other),
                }
            }
            if keepalive.is_given_up() {
                return Ok(());
            }
            prop_assert!(keepalive.poll_timeout().is_some(), "a watched peer always has a timer");
        }
    }
}
