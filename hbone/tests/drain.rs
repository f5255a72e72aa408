//! The end of a connection: orderly if it can be, in time in any case. Numbers in brackets are rows of docs/faults.md.

#[path = "world/epoch.rs"]
mod epoch;

use std::time::{Duration, Instant};

use hbone::{Admission, Drain, DrainAction, DrainConfig, DrainEnd, LateStreams, Reason, Role};
use proptest::prelude::*;

use epoch::epoch;

const SECOND: Duration = Duration::from_secs(1);

fn actions(drain: &mut Drain) -> Vec<DrainAction> {
    std::iter::from_fn(|| drain.poll_action()).collect()
}

/// A connection with this many streams open.
fn serving(role: Role, streams: usize) -> Drain {
    let mut drain = Drain::new(role, DrainConfig::default());
    for _ in 0..streams {
        assert_eq!(drain.handle_stream(), Admission::Serve);
    }
    drain
}

fn end_streams(drain: &mut Drain, streams: usize) {
    for _ in 0..streams {
        drain.handle_stream_end().unwrap();
    }
}

#[test]
fn a_server_announces_waits_for_its_streams_and_closes() {
    // [133]
    let start = epoch();
    let mut drain = serving(Role::Server, 50);
    assert!(!drain.is_draining());
    assert_eq!(drain.poll_timeout(), None);

    drain.signal(start);
    assert_eq!(actions(&mut drain), [DrainAction::Announce]);
    end_streams(&mut drain, 20);
    drain.handle_announced();
    assert_eq!(actions(&mut drain), [DrainAction::Finish]);
    end_streams(&mut drain, 29);
    assert_eq!(actions(&mut drain), []);
    assert_eq!(drain.streams(), 1);
    end_streams(&mut drain, 1);
    assert_eq!(actions(&mut drain), [DrainAction::Close]);
    assert_eq!(drain.end(), Some(DrainEnd::Clean));
    assert_eq!(drain.poll_timeout(), None);
}

#[test]
fn an_idle_server_still_lets_the_peer_learn_of_the_end() {
    let start = epoch();
    let mut drain = serving(Role::Server, 0);
    drain.signal(start);
    assert_eq!(actions(&mut drain), [DrainAction::Announce]);
    drain.handle_announced();
    assert_eq!(
        actions(&mut drain),
        [DrainAction::Finish, DrainAction::Close]
    );
}

#[test]
fn a_peer_that_never_answers_the_announcement_does_not_hold_it_up() {
    // [136]
    let start = epoch();
    let mut drain = serving(Role::Server, 1);
    drain.signal(start);
    actions(&mut drain);
    let due = drain.poll_timeout().unwrap();
    assert_eq!(due, start + SECOND);
    drain.handle_timeout(due);
    assert_eq!(actions(&mut drain), [DrainAction::Finish]);
    let due = drain.poll_timeout().unwrap();
    assert_eq!(due, start + 5 * SECOND);
    drain.handle_timeout(due);
    assert_eq!(actions(&mut drain), [DrainAction::Abort]);
}

#[test]
fn a_client_opens_nothing_new_waits_and_closes() {
    let start = epoch();
    let mut drain = serving(Role::Client, 2);
    drain.signal(start);
    assert_eq!(actions(&mut drain), [], "a client has nothing to announce");
    assert_ne!(drain.handle_stream(), Admission::Serve);
    end_streams(&mut drain, 2);
    assert_eq!(actions(&mut drain), [DrainAction::Close]);

    let mut idle = serving(Role::Client, 0);
    idle.signal(start);
    assert_eq!(actions(&mut idle), [DrainAction::Close]);
}

/// HBONE-S-013.
#[test]
fn a_stream_that_comes_during_the_drain_is_refused_so_that_it_may_be_repeated() {
    // [135]
    let start = epoch();
    let mut drain = serving(Role::Server, 1);
    drain.signal(start);
    let refused = Admission::Refuse(Reason::REFUSED_STREAM);
    assert_eq!(drain.handle_stream(), refused);
    drain.handle_announced();
    assert_eq!(drain.handle_stream(), refused);
    assert_eq!(drain.streams(), 1, "a refused stream does not count");
}

#[test]
fn a_server_may_serve_what_was_under_way_when_it_announced() {
    let start = epoch();
    let mut config = DrainConfig::default();
    config.late = LateStreams::Serve;
    let mut drain = Drain::new(Role::Server, config);
    drain.signal(start);
    assert_eq!(drain.handle_stream(), Admission::Serve);
    drain.handle_announced();
    assert_ne!(drain.handle_stream(), Admission::Serve);
    assert_eq!(
        actions(&mut drain),
        [DrainAction::Announce, DrainAction::Finish]
    );
    end_streams(&mut drain, 1);
    assert_eq!(actions(&mut drain), [DrainAction::Close]);
}

/// HBONE-R-003.
#[test]
fn the_deadline_cuts_what_is_left() {
    // [134]
    for role in [Role::Client, Role::Server] {
        let start = epoch();
        let mut drain = serving(role, 3);
        drain.signal(start);
        actions(&mut drain);
        drain.handle_timeout(start + 5 * SECOND - Duration::from_nanos(1));
        assert_eq!(drain.end(), None);
        drain.handle_timeout(start + 5 * SECOND);
        assert_eq!(actions(&mut drain), [DrainAction::Abort]);
        let end = drain.end().unwrap();
        assert_eq!(end, DrainEnd::TimedOut { streams: 3 });
        assert!(end.to_string().contains("3 open tunnels"), "{end}");
    }
}

#[test]
fn a_deadline_that_finds_no_stream_cuts_nothing() {
    // Not longer than the announcement may take, or both are past before the program is scheduled again.
    for (deadline, later) in [(0, 0), (1, 1), (5, 60)] {
        let start = epoch();
        let mut config = DrainConfig::default();
        config.deadline = deadline * SECOND;
        let mut drain = Drain::new(Role::Server, config);
        drain.signal(start);
        assert_eq!(actions(&mut drain), [DrainAction::Announce]);
        drain.handle_timeout(start + later * SECOND);
        assert_eq!(
            actions(&mut drain),
            [DrainAction::Finish, DrainAction::Close]
        );
        assert_eq!(drain.end(), Some(DrainEnd::Clean));
        assert_eq!(drain.poll_timeout(), None);
    }
}

#[test]
fn a_second_signal_stops_at_once_and_a_third_means_nothing() {
    // [137]
    for role in [Role::Client, Role::Server] {
        let start = epoch();
        let mut drain = serving(role, 3);
        drain.signal(start);
        drain.signal(start);
        assert_eq!(actions(&mut drain), [DrainAction::Abort]);
        assert_eq!(drain.end(), Some(DrainEnd::Interrupted { streams: 3 }));
        drain.signal(start);
        drain.handle_timeout(start + 100 * SECOND);
        assert_eq!(actions(&mut drain), []);
    }
}

#[test]
fn a_connection_that_is_lost_needs_no_end() {
    let start = epoch();
    let mut drain = serving(Role::Server, 3);
    drain.signal(start);
    drain.handle_lost();
    assert_eq!(actions(&mut drain), []);
    assert_eq!(drain.end(), Some(DrainEnd::Lost));
    assert_eq!(drain.streams(), 0);
    assert!(
        drain.handle_stream_end().is_ok(),
        "whoever ends each of its streams makes no mistake"
    );
}

#[test]
fn an_end_without_a_stream_is_the_callers_mistake() {
    let mut drain = serving(Role::Server, 1);
    end_streams(&mut drain, 1);
    let misuse = drain.handle_stream_end().unwrap_err();
    assert_eq!(misuse.call(), "Drain::handle_stream_end");
    assert_eq!(
        drain.handle_stream(),
        Admission::Serve,
        "the machine goes on"
    );
}

#[test]
fn a_drain_is_small_and_prints_on_one_line() {
    assert!(size_of::<Drain>() <= 120, "{}", size_of::<Drain>());
    let line = format!("{:?}", serving(Role::Server, 200));
    assert!(line.len() <= 200 && !line.contains('\n'), "{line}");
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Open,
    End,
    Signal,
    Announced,
    Lost,
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::Open),
        8 => Just(Event::End),
        2 => Just(Event::Signal),
        2 => Just(Event::Announced),
        1 => Just(Event::Lost),
        4 => (0..3_000_u64).prop_map(Event::Wait),
    ]
}

proptest! {
    #[test]
    fn whatever_the_order_a_drain_ends_once_and_in_time(
        server: bool,
        serve_late: bool,
        history in proptest::collection::vec(event(), 0..80),
    ) {
        let start = epoch();
        let mut now: Instant = start;
        let mut config = DrainConfig::default();
        if serve_late {
            config.late = LateStreams::Serve;
        }
        let mut drain = Drain::new(if server { Role::Server } else { Role::Client }, config);
        let (mut live, mut signals, mut first_signal, mut lost) = (0_usize, 0, None, false);
        let mut done = Vec::new();
        for event in history {
            match event {
                Event::Open => {
                    let admission = drain.handle_stream();
                    if signals == 0 && !lost {
                        prop_assert_eq!(admission, Admission::Serve);
                    }
                    live += usize::from(admission == Admission::Serve);
                }
                Event::End if live > 0 => {
                    live -= 1;
                    prop_assert!(drain.handle_stream_end().is_ok());
                }
                Event::End => prop_assert_eq!(drain.handle_stream_end().is_ok(), drain.end().is_some()),
                Event::Signal => {
                    signals += 1;
                    first_signal = first_signal.or(Some(now));
                    drain.signal(now);
                }
                Event::Announced => drain.handle_announced(),
                Event::Lost => {
                    lost = true;
                    live = 0;
                    drain.handle_lost();
                }
                Event::Wait(ms) => {
                    now += Duration::from_millis(ms);
                    drain.handle_timeout(now);
                }
            }
            done.extend(actions(&mut drain));
            prop_assert_eq!(drain.streams(), live);
            if let Some(first) = first_signal {
                let late = now >= first + config.deadline && matches!(event, Event::Wait(_));
                prop_assert!(!(late || signals > 1) || drain.end().is_some());
            }
        }
        let last = [DrainAction::Close, DrainAction::Abort];
        let ends = done.iter().filter(|action| last.contains(action)).count();
        prop_assert!(ends <= 1);
        prop_assert!(ends == 0 || last.contains(&done[done.len() - 1]));
        prop_assert!(!done.contains(&DrainAction::Finish) || done[0] == DrainAction::Announce);
        prop_assert!(server || done.len() == ends, "a client says nothing to its peer");
        prop_assert!(signals > 0 || done.is_empty(), "nothing ends unasked");
    }
}
