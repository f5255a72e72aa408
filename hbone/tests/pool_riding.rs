//! Connections that are made inside the streams of others leave with what carries them.

mod pool_world;

use hbone::pool::{CloseReason, ConnectionId, TicketId};

use pool_world::{Key, Limits, MILLI, Phase, SECOND, TicketState, World};

const OUTER: Key = Key(1);
const INNER: Key = Key(2);
const INNERMOST: Key = Key(3);

/// A dial for `INNER` in a stream on a connection for `OUTER`: who asked, the dial, and the stream.
fn dialled_inside(world: &mut World) -> (TicketId, ConnectionId, TicketId) {
    inside(world, INNER, OUTER)
}

fn inside(world: &mut World, inner: Key, outer: Key) -> (TicketId, ConnectionId, TicketId) {
    let ticket = world.request(inner).unwrap();
    let dial = world.in_phase(Phase::Dialling)[0];
    let stream = world.request(outer).unwrap();
    for id in world.in_phase(Phase::Dialling) {
        if id != dial {
            world.up(id, None);
        }
    }
    world.carried(dial, stream);
    (ticket, dial, stream)
}

/// The same, and it is up.
fn up_inside(world: &mut World) -> (TicketId, ConnectionId, TicketId) {
    let (ticket, dial, stream) = dialled_inside(world);
    world.up(dial, None);
    (ticket, dial, stream)
}

fn reason(world: &World, id: ConnectionId) -> Option<CloseReason> {
    world.connections[&id].close
}

#[test]
fn an_idle_connection_inside_one_that_gets_goaway_closes_at_once_and_sets_it_free() {
    let mut world = World::new(Limits::default());
    let (ticket, rider, stream) = up_inside(&mut world);
    let carrier = world.on(stream);
    world.end(ticket);
    world.pass(SECOND);

    world.goaway(carrier);
    assert_eq!(reason(&world, rider), Some(CloseReason::Carrier));
    assert_eq!(reason(&world, carrier), None, "its stream is ending");
    world.end(stream);
    assert_eq!(reason(&world, carrier), Some(CloseReason::GoAway));
    assert_eq!(world.elapsed(), SECOND, "nobody waited for it");

    let dials = world.dials.len();
    world.request(INNER).unwrap();
    assert_eq!(world.dials.len(), dials + 1, "the next one dials anew");
}

#[test]
fn a_busy_connection_inside_one_that_gets_goaway_goes_on_to_its_last_stream_and_takes_no_other() {
    let mut world = World::new(Limits::default());
    let (first, rider, stream) = up_inside(&mut world);
    let second = world.request(INNER).unwrap();
    assert_eq!(world.on(second), rider);

    world.goaway(world.on(stream));
    let elsewhere = world.request(INNER).unwrap();
    world.all_up(None);
    assert_ne!(world.on(elsewhere), rider);
    world.end(first);
    world.pass(100 * SECOND);
    assert_eq!(reason(&world, rider), None, "a stream is open on it");
    world.end(second);
    assert_eq!(reason(&world, rider), Some(CloseReason::Carrier));
}

#[test]
fn all_connections_inside_leave_at_once_and_those_inside_them_and_no_others() {
    let mut world = World::new(Limits::default());
    let (middle, rider, stream) = up_inside(&mut world);
    let (innermost, deep, through) = inside(&mut world, INNERMOST, INNER);
    assert_eq!(world.on(through), rider);
    world.up(deep, None);
    world.end(middle);
    world.end(innermost);
    let other = world.request(Key(4)).unwrap();
    world.all_up(None);

    world.goaway(world.on(stream));
    assert_eq!(reason(&world, deep), Some(CloseReason::Carrier));
    assert_eq!(reason(&world, rider), None, "it carries a stream");
    world.end(through);
    assert_eq!(reason(&world, rider), Some(CloseReason::Carrier));
    world.end(other);
    assert_eq!(
        world.in_phase(Phase::Settled).len(),
        1,
        "what rides on nothing stays"
    );
}

#[test]
fn age_and_retirement_of_the_carrier_count_like_goaway() {
    let limits = Limits {
        age: Some(10 * SECOND),
        ..Limits::default()
    };
    let mut aged = World::new(limits);
    let (ticket, _, stream) = dialled_inside(&mut aged);
    aged.pass(9 * SECOND);
    let rider = aged.in_phase(Phase::Dialling)[0];
    aged.up(rider, None);
    aged.end(ticket);
    aged.pass(SECOND);
    assert_eq!(reason(&aged, rider), Some(CloseReason::Carrier));
    aged.end(stream);

    let mut retired = World::new(Limits::default());
    let (ticket, rider, _) = up_inside(&mut retired);
    retired.end(ticket);
    retired.retire(&[OUTER]);
    assert_eq!(reason(&retired, rider), Some(CloseReason::Carrier));
}

#[test]
fn a_dial_inside_one_that_gets_goaway_serves_those_who_wait_for_it_and_nobody_after() {
    for is_told_before in [false, true] {
        let mut world = World::new(Limits::default());
        let ticket = world.request(INNER).unwrap();
        let rider = world.dials[0];
        let stream = world.request(OUTER).unwrap();
        world.up(world.dials[1], None);
        let carrier = world.on(stream);
        if is_told_before {
            world.goaway(carrier);
            world.carried(rider, stream);
        } else {
            world.carried(rider, stream);
            world.goaway(carrier);
        }
        world.up(rider, None);
        assert_eq!(world.on(ticket), rider, "dialling anew might never end");
        let next = world.request(INNER).unwrap();
        assert_eq!(world.state(next), TicketState::Waiting);
        world.all_up(None);
        assert_ne!(world.on(next), rider);
        world.end(ticket);
        assert_eq!(reason(&world, rider), Some(CloseReason::Carrier));
    }
}

#[test]
fn a_stream_that_has_ended_carries_nothing_any_more() {
    let mut world = World::new(Limits::default());
    let (ticket, rider, stream) = up_inside(&mut world);
    let carrier = world.on(stream);
    world.end(stream);
    world.goaway(carrier);
    assert_eq!(reason(&world, carrier), Some(CloseReason::GoAway));
    let shared = world.request(INNER).unwrap();
    assert_eq!(world.on(shared), rider);
    world.end(ticket);

    let waiting = world.request(INNERMOST).unwrap();
    let dial = world.in_phase(Phase::Dialling)[0];
    world.carried(dial, stream); // late, and no mistake
    world.up(dial, None);
    assert_eq!(world.on(waiting), dial);
}

#[test]
fn what_is_carried_is_said_of_a_dial_and_of_a_stream() {
    let mut world = World::new(Limits::default());
    let (ticket, rider, stream) = up_inside(&mut world);
    world.misuse(|pool, _| pool.handle_carried(rider, stream));
    let waiting = world.request(INNERMOST).unwrap();
    let dial = world.in_phase(Phase::Dialling)[0];
    world.misuse(|pool, _| pool.handle_carried(dial, waiting));
    world.carried(dial, ticket);
    world.pass(MILLI);
    world.dial_failed(dial, 1);
    world.pool.handle_carried(dial, ticket).unwrap();
}
