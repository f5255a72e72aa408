//! What the pool does when peers and callers misbehave. Numbers in brackets are rows of docs/faults.md.

mod pool_world;

use std::mem::size_of;
use std::num::NonZeroU32;

use hbone::pool::{CloseReason, PoolConfig, Spread};

use pool_world::{Key, Limits, MILLI, Phase, SECOND, TicketState, Why, World};

const A: Key = Key(1);
const B: Key = Key(2);

fn requests(world: &mut World, key: Key, count: usize) -> Vec<hbone::pool::TicketId> {
    (0..count).map(|_| world.request(key).unwrap()).collect()
}

/// One connection for `A` that carries as many streams as are asked for.
fn busy(world: &mut World, streams: usize, limit: Option<u32>) -> Vec<hbone::pool::TicketId> {
    let tickets = requests(world, A, streams);
    world.all_up(limit);
    tickets
}

// [99]
#[test]
fn a_storm_on_a_cold_key_is_one_dial_and_then_as_many_as_the_limit_requires() {
    let mut world = World::new(Limits::default());
    let tickets = requests(&mut world, A, 1000);
    assert_eq!(world.dials.len(), 1);
    world.connected(world.dials[0]);
    assert_eq!(world.streaming().len(), 0, "no stream before SETTINGS");
    world.settings(world.dials[0], Some(100));
    assert_eq!((world.dials.len(), world.streaming().len()), (10, 100));
    world.all_up(Some(100));
    assert_eq!(world.dials.len(), 10);
    assert!(
        tickets
            .iter()
            .all(|ticket| matches!(world.state(*ticket), TicketState::On(_)))
    );
}

#[test]
fn grants_that_two_connections_lose_before_they_are_told_keep_their_order() {
    let mut world = World::new(Limits::default());
    let streams = busy(&mut world, 2, Some(1));
    let lost = [0, 1].map(|which| world.on(streams[which]));
    let waiting = requests(&mut world, A, 2);
    world.is_prompt = false;
    for which in [0, 1] {
        world.end(streams[which]);
    }
    assert_eq!(world.pool.counts().waiting, 0, "both are granted a stream");
    for connection in lost {
        world.closed(connection);
    }
    world.poll(usize::MAX);
    let dial = world.in_phase(Phase::Dialling)[0];
    world.up(dial, Some(1));
    world.poll(usize::MAX);
    assert_eq!(world.on(waiting[0]), dial);
    assert_eq!(world.state(waiting[1]), TicketState::Waiting);
}

// [3] [100]
#[test]
fn a_storm_on_a_dead_key_fails_together_and_the_next_dial_waits() {
    let mut world = World::new(Limits::default());
    let tickets = requests(&mut world, A, 1000);
    let other = world.request(B).unwrap();
    world.pass(SECOND);
    world.dial_failed(world.dials[0], 7);
    assert!(
        tickets
            .iter()
            .all(|ticket| world.failures[ticket] == Why::Dial(7))
    );
    assert_eq!(
        world.state(other),
        TicketState::Waiting,
        "another key is not touched"
    );
    assert_eq!(world.request(A), Err(Why::Dial(7)));
    assert_eq!(world.dials.len(), 2);
    world.pass(100 * MILLI);
    let next = world.request(A).unwrap();
    assert_eq!(world.dials.len(), 3);
    world.up(world.dials[2], None);
    world.on(next);
}

// [100]
#[test]
fn dials_that_fail_together_count_as_one_failure() {
    let mut world = World::with(Limits::default(), |config| {
        config.backoff(100 * MILLI, 60 * SECOND)
    });
    let first = busy(&mut world, 1, Some(1))[0];
    requests(&mut world, A, 9);
    world.pass(SECOND);
    for dial in world.in_phase(Phase::Dialling) {
        world.dial_failed(dial, 1);
    }
    world.end(first);
    world.pass(100 * MILLI);
    assert!(
        !world.in_phase(Phase::Dialling).is_empty(),
        "the key rested once, not nine times over"
    );
    let second = world.in_phase(Phase::Dialling);
    assert!(second.len() > 1, "they are dialled together again");
    world.pass(MILLI);
    for dial in second {
        world.dial_failed(dial, 1);
    }
    world.pass(199 * MILLI);
    assert_eq!(world.in_phase(Phase::Dialling), []);
    world.pass(MILLI);
    assert!(
        !world.in_phase(Phase::Dialling).is_empty(),
        "and then twice as long, as after two failures"
    );
}

// [101]
#[test]
fn the_dial_outlives_whoever_caused_it_and_is_given_up_with_the_last_who_waits() {
    let mut world = World::new(Limits::default());
    let tickets = requests(&mut world, A, 3);
    world.cancel(tickets[0]);
    world.cancel(tickets[1]);
    assert_eq!(world.in_phase(Phase::Dialling).len(), 1);
    world.cancel(tickets[2]);
    let dial = world.dials[0];
    assert_eq!(world.connections[&dial].close, Some(CloseReason::Unwanted));
    assert_eq!(world.pool.counts().keys, 0);
}

// [101]
#[test]
fn a_waiter_is_served_though_the_leader_of_the_dial_has_gone() {
    let mut world = World::new(Limits::default());
    let tickets = requests(&mut world, A, 2);
    world.cancel(tickets[0]);
    world.all_up(Some(1));
    world.on(tickets[1]);
}

// [93]
#[test]
fn a_peer_that_allows_no_stream_means_a_bounded_wait_and_no_second_dial() {
    let mut world = World::new(Limits::default());
    let ticket = world.request(A).unwrap();
    world.all_up(Some(0));
    world.pass(9 * SECOND);
    assert_eq!(world.state(ticket), TicketState::Waiting);
    world.pass(SECOND);
    assert_eq!(world.failures[&ticket], Why::NoCapacity);
    assert_eq!(world.dials.len(), 1);
}

// [93]
#[test]
fn a_limit_that_is_raised_from_nothing_serves_those_who_wait() {
    let mut world = World::new(Limits::default());
    let tickets = requests(&mut world, A, 3);
    world.all_up(Some(0));
    world.settings(world.dials[0], Some(2));
    world.on(tickets[0]);
    world.on(tickets[1]);
    assert_eq!(world.state(tickets[2]), TicketState::Waiting);
    assert_eq!(
        world.dials.len(),
        2,
        "now it is known what one more is good for"
    );
}

// [94]
#[test]
fn a_peer_that_allows_one_stream_gets_a_connection_for_each_tunnel_up_to_the_cap() {
    let mut world = World::new(Limits {
        per_key: 40,
        ..Limits::default()
    });
    let tickets = requests(&mut world, A, 50);
    world.all_up(Some(1));
    assert_eq!(world.streaming().len(), 40);
    assert_eq!(world.dials.len(), 40);
    for ticket in &tickets[..10] {
        world.end(*ticket);
    }
    assert_eq!(world.streaming().len(), 40, "the last ten have taken over");
    assert_eq!(
        world.dials.len(),
        40,
        "a full connection is used again once it has room"
    );
}

// [95]
/// HBONE-T-010.
#[test]
fn a_limit_lowered_under_live_streams_cuts_none_and_sends_new_ones_elsewhere() {
    let mut world = World::new(Limits::default());
    let tickets = busy(&mut world, 50, Some(100));
    let old = world.on(tickets[0]);
    world.settings(old, Some(1));
    assert_eq!(world.streaming().len(), 50);
    let next = world.request(A).unwrap();
    world.all_up(Some(1));
    assert_ne!(world.on(next), old);
    for ticket in &tickets {
        world.end(*ticket);
    }
    let again = world.request(A).unwrap();
    assert_eq!(
        world.on(again),
        old,
        "and it is used again when it has room"
    );
}

#[test]
fn the_least_loaded_connection_is_used_and_the_oldest_of_equals() {
    let mut world = World::new(Limits::default());
    let tickets = busy(&mut world, 6, Some(3));
    let (one, other) = (world.on(tickets[0]), world.on(tickets[5]));
    assert_ne!(one, other);
    world.end(tickets[3]);
    world.end(tickets[0]);
    world.end(tickets[4]);
    let next = world.request(A).unwrap();
    assert_eq!(world.on(next), other, "one stream against two");
    let next = world.request(A).unwrap();
    assert_eq!(world.on(next), one, "two each: the older");
}

// [88]
#[test]
fn a_refused_stream_makes_the_next_request_go_elsewhere() {
    let mut world = World::new(Limits::default());
    let tickets = busy(&mut world, 2, Some(100));
    let refusing = world.on(tickets[0]);
    world.refused(tickets[1]);
    let retry = world.request(A).unwrap();
    world.all_up(Some(100));
    assert_ne!(world.on(retry), refusing);
    world.end(tickets[0]);
    let next = world.request(A).unwrap();
    assert_eq!(
        world.on(next),
        refusing,
        "a stream has ended there, so it may be tried again"
    );
}

// [88]
#[test]
fn a_peer_that_refuses_the_only_stream_is_left_and_one_that_does_so_twice_rests() {
    let mut world = World::new(Limits::default());
    let ticket = busy(&mut world, 1, Some(100))[0];
    world.refused(ticket);
    assert_eq!(
        world.connections[&world.dials[0]].close,
        Some(CloseReason::Refused)
    );
    let again = busy(&mut world, 1, Some(100))[0];
    world.refused(again);
    assert_eq!(world.request(A), Err(Why::ConnectionLost));
}

// [89]
#[test]
fn a_connection_that_says_goaway_keeps_its_streams_and_takes_no_more() {
    let mut world = World::new(Limits::default());
    let tickets = busy(&mut world, 2, Some(100));
    let old = world.on(tickets[0]);
    world.goaway(old);
    world.goaway(old);
    let next = world.request(A).unwrap();
    world.all_up(Some(100));
    assert_ne!(world.on(next), old);
    world.end(tickets[0]);
    assert_eq!(world.connections[&old].close, None);
    world.end(tickets[1]);
    assert_eq!(world.connections[&old].close, Some(CloseReason::GoAway));
}

// [91]
#[test]
fn a_peer_that_says_goaway_to_every_connection_is_not_dialled_in_a_circle() {
    let mut world = World::new(Limits::default());
    let ticket = world.request(A).unwrap();
    for dial in 0..2 {
        world.connected(world.dials[dial]);
        world.goaway(world.dials[dial]);
    }
    assert_eq!(world.failures[&ticket], Why::ConnectionLost);
    assert_eq!(world.dials.len(), 2);
    assert_eq!(world.request(A), Err(Why::ConnectionLost));
}

// [4]
#[test]
fn a_connection_without_settings_is_closed_and_carries_nothing() {
    let mut world = World::with(Limits::default(), |config| config.settings_timeout(SECOND));
    world.request(A).unwrap();
    world.connected(world.dials[0]);
    world.pass(SECOND);
    assert_eq!(
        world.connections[&world.dials[0]].close,
        Some(CloseReason::SettingsTimeout)
    );
    assert_eq!(world.dials.len(), 2);
}

// [20]
#[test]
fn a_connection_beyond_its_age_takes_no_streams_and_cuts_none() {
    let mut world = World::new(Limits {
        age: Some(60 * SECOND),
        ..Limits::default()
    });
    let ticket = busy(&mut world, 1, None)[0];
    let old = world.on(ticket);
    world.pass(60 * SECOND);
    let next = world.request(A).unwrap();
    world.all_up(None);
    assert_ne!(world.on(next), old);
    world.end(ticket);
    assert_eq!(world.connections[&old].close, Some(CloseReason::Age));
}

// [19]
#[test]
fn keys_of_a_rotated_certificate_get_new_connections_and_their_streams_live_on() {
    let mut world = World::new(Limits::default());
    let ticket = busy(&mut world, 1, None)[0];
    let old = world.on(ticket);
    let waiting = world.request(B).unwrap();
    world.retire(&[A, B]);
    assert_eq!(
        world.connections[&world.dials[1]].close,
        Some(CloseReason::Retired),
        "its dial used the old one"
    );
    let next = world.request(A).unwrap();
    world.all_up(None);
    assert_ne!(world.on(next), old);
    world.on(waiting);
    assert_eq!(world.on(ticket), old);
}

// [98] [106]
#[test]
fn every_counter_is_zero_after_any_mixture_of_ends() {
    let mut world = World::new(Limits::default());
    for round in 0..200 {
        let tickets = requests(&mut world, A, 10);
        world.all_up(Some(4));
        for (ticket, way) in tickets.into_iter().zip(round..) {
            match way % 3 {
                0 => world.end(ticket),
                1 => world.cancel(ticket),
                _ => world.refused(ticket),
            }
        }
        world.forget_old();
        world.pass(200 * MILLI);
    }
    assert_eq!(
        (world.pool.counts().streams, world.pool.counts().waiting),
        (0, 0)
    );
    let ticket = world.request(A).unwrap();
    world.all_up(Some(4));
    world.on(ticket);
}

// [98]
#[test]
fn a_ticket_cancelled_between_decision_and_news_of_it_gives_its_stream_back() {
    let mut world = World::new(Limits::default());
    let tickets = requests(&mut world, A, 2);
    let dial = world.dials[0];
    world.connected(dial);
    world.is_prompt = false;
    world.settings(dial, Some(1));
    world.cancel(tickets[0]);
    world.is_prompt = true;
    world.settle();
    assert_eq!(world.on(tickets[1]), dial);
}

// [103]
#[test]
fn a_request_at_the_instant_of_idle_expiry_gets_a_live_connection() {
    for late in [false, true] {
        let mut world = World::new(Limits {
            idle: SECOND,
            ..Limits::default()
        });
        let ticket = busy(&mut world, 1, None)[0];
        let old = world.on(ticket);
        world.end(ticket);
        world.now += SECOND;
        if late {
            world.tick();
        }
        let next = world.request(A).unwrap();
        world.tick();
        world.all_up(None);
        assert_eq!(world.on(next) == old, !late);
        assert_eq!(world.connections[&old].close.is_some(), late);
    }
}

// [104]
#[test]
fn a_peer_that_stops_answering_loses_all_its_connections_at_once() {
    let mut world = World::new(Limits::default());
    let tickets = busy(&mut world, 4, Some(2));
    let (dead, sibling) = (world.on(tickets[0]), world.on(tickets[3]));
    world.end(tickets[2]);
    world.unresponsive(dead);
    let retry = world.request(A).unwrap();
    world.all_up(Some(2));
    assert!(world.on(retry) != dead && world.on(retry) != sibling);
}

// [105]
#[test]
fn two_keys_with_one_hash_never_share_a_connection() {
    let mut world = World::new(Limits::default());
    let (one, other) = (world.request(A).unwrap(), world.request(B).unwrap());
    world.all_up(None);
    assert_ne!(world.on(one), world.on(other));
}

// [107]
#[test]
fn keys_that_were_used_once_are_forgotten() {
    let mut world = World::new(Limits {
        connections: 20_000,
        idle: SECOND,
        ..Limits::default()
    });
    (world.is_prompt, world.check_each) = (false, 500);
    for key in 0..2000 {
        world.request(Key(key)).unwrap();
        world.poll(10);
        let dial = *world.dials.last().unwrap();
        world.up(dial, None);
        world.poll(10);
        let ticket = *world.tickets.keys().next_back().unwrap();
        world.end(ticket);
    }
    world.is_prompt = true;
    assert_eq!(world.pool.counts().keys, 2000);
    world.pass(2 * SECOND);
    assert_eq!(world.pool.counts(), hbone::pool::Counts::default());
    assert_eq!(world.pool.poll_timeout(), None);
}

#[test]
fn an_idle_connection_gives_its_slot_to_a_key_that_waits() {
    let mut world = World::new(Limits {
        connections: 2,
        ..Limits::default()
    });
    let one = busy(&mut world, 1, None)[0];
    let other = world.request(B).unwrap();
    world.all_up(None);
    let (kept, idle) = (world.on(one), world.on(other));
    world.end(other);
    let third = world.request(Key(3)).unwrap();
    world.all_up(None);
    assert_eq!(world.connections[&idle].close, Some(CloseReason::Evicted));
    assert_ne!(world.on(third), kept);
}

#[test]
fn a_key_is_served_though_another_keeps_the_only_slot_busy() {
    let mut world = World::new(Limits {
        connections: 1,
        ..Limits::default()
    });
    let mut busy = busy(&mut world, 2, None);
    let waits = world.request(B).unwrap();
    for _ in 0..20 {
        // there is always a stream on A
        if let Ok(next) = world.request(A) {
            busy.push(next);
        }
        if let TicketState::On(_) = world.state(busy[0]) {
            world.end(busy.remove(0));
        }
        world.all_up(None);
        world.pass(100 * MILLI);
    }
    world.on(waits);
}

#[test]
fn a_slot_that_was_to_be_given_away_goes_back_when_nobody_wants_it() {
    let mut world = World::new(Limits {
        connections: 1,
        ..Limits::default()
    });
    let ticket = busy(&mut world, 1, None)[0];
    let waits = world.request(B).unwrap();
    let mine = world.request(A).unwrap();
    assert_eq!(world.state(mine), TicketState::Waiting);
    world.cancel(waits);
    assert_eq!(world.on(mine), world.on(ticket));
}

#[test]
fn too_many_who_wait_are_told_at_once() {
    let mut world = World::with(Limits::default(), |config| config.max_waiting(2));
    requests(&mut world, A, 2);
    assert_eq!(world.request(B), Err(Why::QueueFull));
    assert_eq!(world.pool.counts().keys, 1);
}

// [133]
#[test]
fn a_draining_pool_opens_nothing_and_ends_with_its_last_stream() {
    let mut world = World::new(Limits::default());
    let ticket = busy(&mut world, 1, Some(1))[0];
    let waits = world.request(A).unwrap();
    world.drain();
    assert_eq!(world.failures[&waits], Why::Draining);
    assert_eq!(world.request(B), Err(Why::Draining));
    assert!(!world.pool.is_drained());
    world.end(ticket);
    assert_eq!(
        world.connections[&world.dials[0]].close,
        Some(CloseReason::Draining)
    );
    assert!(world.pool.is_drained());
}

#[test]
fn a_spread_key_gives_each_connection_its_share_and_has_the_successor_up_before() {
    let mut world = World::new(Limits::default());
    let spread = Spread::by_weight(4)
        .requests(40.try_into().unwrap())
        .age(60 * SECOND);
    for _ in 0..400 {
        let ticket = world.request_spread(A, spread, 4).unwrap();
        world.all_up(Some(100));
        world.end(ticket);
        world.pass(100 * MILLI);
    }
    let waited = world.dials.len();
    assert!(
        (9..=16).contains(&waited),
        "{waited} dials for 400 requests of 40 each"
    );
    let served: Vec<u32> = world
        .dials
        .iter()
        .map(|dial| world.connections[dial].served)
        .collect();
    assert!(served.iter().all(|served| *served <= 40), "{served:?}");
    let spreads = world
        .connections
        .values()
        .filter(|book| book.close == Some(CloseReason::Spread))
        .count();
    assert!(spreads >= waited - 5);
}

/// A few requests at once are no rate: what they call for is a connection each, and its successor.
#[test]
fn a_spread_of_one_request_a_connection_has_no_more_connections_than_there_were_requests() {
    for requests in 1..=8 {
        let mut world = World::new(Limits::default());
        let spread = Spread::by_weight(64).requests(NonZeroU32::MIN);
        let tickets: Vec<_> = (0..requests)
            .map(|_| world.request_spread(A, spread, 64).unwrap())
            .collect();
        for _ in 0..4 {
            world.pass(20 * MILLI);
            world.all_up(Some(100));
        }
        tickets.into_iter().for_each(|ticket| world.end(ticket));
        let dials = world.dials.len();
        assert!(
            dials <= 2 * requests,
            "{dials} dials for {requests} requests"
        );
    }
}

#[test]
fn a_spread_connection_outlives_its_share_while_its_successor_cannot_be_dialled() {
    let mut world = World::new(Limits::default());
    let spread = Spread::by_weight(1)
        .requests(8.try_into().unwrap())
        .age(60 * SECOND);
    for _ in 0..30 {
        let ticket = world.request_spread(A, spread, 1).unwrap();
        match world.dials.len() {
            1 => world.all_up(None),
            _ => world
                .in_phase(Phase::Dialling)
                .into_iter()
                .for_each(|dial| world.dial_failed(dial, 1)),
        }
        assert_eq!(world.on(ticket), world.dials[0]);
        world.end(ticket);
        world.pass(10 * MILLI);
    }
}

#[test]
fn a_pool_fits_on_one_log_line() {
    let mut world = World::new(Limits::default());
    busy(&mut world, 250, Some(100));
    let line = format!("{:?}", world.pool);
    assert!(line.len() < 160 && !line.contains('\n'), "{line}");
    assert!(line.contains("open: 3"), "{line}");
    assert!(size_of::<hbone::pool::Pool<u64, ()>>() <= 896);
    assert!(size_of::<PoolConfig>() <= 160);
}

#[test]
fn calls_out_of_order_are_told_and_change_nothing() {
    let mut world = World::new(Limits::default());
    let ticket = world.request(A).unwrap();
    let dial = world.dials[0];
    world.misuse(|pool, now| pool.handle_settings(dial, None, now));
    world.misuse(|pool, now| pool.handle_goaway(dial, now));
    world.misuse(|pool, now| pool.handle_stream_ended(ticket, now));
    world.up(dial, None);
    world.misuse(|pool, now| pool.handle_connected(dial, 0, now));
    world.misuse(|pool, now| pool.handle_dial_failed(dial, 0, 0, now));
    world.end(ticket);
    world.misuse(|pool, now| pool.handle_stream_ended(ticket, now));
    assert!(!world.pool.cancel(ticket, world.now));
}
