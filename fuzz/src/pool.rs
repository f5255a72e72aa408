use std::collections::BTreeSet;
use std::time::Duration;

use hbone::pool::{ConnectionId, PoolConfig, Spread, TicketId};

use crate::pool_world::{Key, Limits, MILLI, Phase, SECOND, TicketState, World};
use crate::script::Script;

/// Any schedule with faults: at every step the pool's books agree with the naive ones that the world keeps, and in the end nothing is left.
pub fn pool(data: &[u8]) {
    let mut script = Script::new(data);
    let limits = limits(&mut script);
    let way = script.octet();
    let (spread, nested, late) = (way & 1 == 1, way & 2 == 2, way & 12 == 12);
    let mut world = World::with(limits, |config: PoolConfig| {
        config.backoff(50 * MILLI, 400 * MILLI)
    });
    world.is_prompt = !late;
    let mut steps = 0;
    while !script.is_over() && steps < 2_000 {
        steps += 1;
        if nested && script.below(4) == 3 {
            nest(&mut world, &mut script);
        }
        step(&mut world, &mut script, spread);
        if late {
            world.poll(script.below(4));
        }
    }
    world.poll(usize::MAX);
    world.is_prompt = true;
    wind_up(&mut world);
}

fn limits(script: &mut Script<'_>) -> Limits {
    match script.below(5) {
        0 => Limits::default(),
        1 => Limits {
            connections: 4,
            per_key: 2,
            streams: 3,
            wait: SECOND,
            idle: 2 * SECOND,
            age: Some(5 * SECOND),
        },
        2 => Limits {
            connections: 1,
            per_key: 1,
            streams: 1,
            wait: 2 * SECOND,
            ..Limits::default()
        },
        3 => Limits {
            connections: 20,
            per_key: 20,
            streams: 2,
            wait: 3 * SECOND,
            idle: 10 * SECOND,
            age: None,
        },
        _ => Limits {
            connections: 1 + script.below(8),
            per_key: 1 + script.below(4),
            streams: 1 + u32::from(script.octet() % 5),
            wait: u32::from(script.octet()) * 20 * MILLI + MILLI,
            idle: u32::from(script.octet()) * 20 * MILLI + MILLI,
            age: script.maybe(|script| u32::from(script.octet()) * 50 * MILLI + MILLI),
        },
    }
}

fn step(world: &mut World, script: &mut Script<'_>, spread: bool) {
    world.forget_old();
    let (kind, pick) = (script.below(32), script.below(65_536));
    let key = Key(u32::try_from(pick % 5).expect("below 5"));
    let chosen = |ids: Vec<ConnectionId>| ids.get(pick % ids.len().max(1)).copied();
    let ticket = |ids: Vec<TicketId>| ids.get(pick % ids.len().max(1)).copied();
    match kind {
        0..=7 => request(world, key, spread),
        8 => (0..script.below(30)).for_each(|_| request(world, key, spread)),
        9..=11 => {
            if let Some(id) = chosen(world.in_phase(Phase::Dialling)) {
                world.connected(id);
            }
        }
        12..=15 => {
            if let Some(id) = chosen(world.in_phase(Phase::Up)) {
                world.settings(id, limit(script));
            }
        }
        16 => {
            if let Some(id) = chosen(world.in_phase(Phase::Settled)) {
                world.settings(id, limit(script));
            }
        }
        17 => {
            if let Some(id) = chosen(world.in_phase(Phase::Dialling)) {
                world.dial_failed(id, u32::from(script.octet()));
            }
        }
        18 => {
            let mut ids = world.in_phase(Phase::Settled);
            ids.extend(world.in_phase(Phase::Up));
            let way = script.below(3);
            if let Some(id) = chosen(ids) {
                match way {
                    0 => world.goaway(id),
                    // Late news of a connection that the pool has closed says nothing about its siblings.
                    1 if world.is_prompt => world.unresponsive(id),
                    _ => world.closed(id),
                }
            }
        }
        19..=25 => {
            if let Some(id) = ticket(world.streaming()) {
                world.end(id);
            }
        }
        26 => {
            if let Some(id) = ticket(world.streaming()) {
                world.refused(id);
            }
        }
        27 => {
            let mut ids = world.streaming();
            ids.extend(world.waiting());
            if let Some(id) = ticket(ids) {
                world.cancel(id);
            }
        }
        28 | 29 => world.pass(u32::from(script.octet()) * MILLI),
        30 => match script.below(8) {
            0 => world.pass(Duration::from_secs(u64::from(script.word() % 400))),
            1 => world.retire(&[key]),
            _ => world.tick(),
        },
        _ => stale(world, pick),
    }
}

fn request(world: &mut World, key: Key, spread: bool) {
    // An error is an answer; that it is a true one is for the world to check.
    let _ = if spread && key.0.is_multiple_of(2) {
        let spread = Spread::by_weight(4)
            .requests(12.try_into().expect("not 0"))
            .age(3 * SECOND);
        world.request_spread(key, spread, 4)
    } else {
        world.request(key)
    };
}

fn limit(script: &mut Script<'_>) -> Option<u32> {
    script.one_of(&[Some(1), Some(0), Some(2), Some(5), Some(100), None])
}

/// Some dials go through a stream of another connection, which carries no other.
fn nest(world: &mut World, script: &mut Script<'_>) {
    let taken: BTreeSet<TicketId> = world
        .connections
        .values()
        .filter_map(|book| book.carried_by)
        .collect();
    let (mut dials, mut streams) = (world.in_phase(Phase::Dialling), world.streaming());
    dials.retain(|dial| world.connections[dial].carried_by.is_none());
    streams.retain(|stream| !taken.contains(stream));
    let (dial, stream) = (script.below(dials.len()), script.below(streams.len()));
    if let (Some(dial), Some(stream)) = (dials.get(dial), streams.get(stream)) {
        world.carried(*dial, *stream);
    }
}

/// News about what has ended: harmless for connections, a mistake for tickets.
fn stale(world: &mut World, pick: usize) {
    let closed = world.in_phase(Phase::Closed);
    if let Some(id) = closed.get(pick % closed.len().max(1)) {
        let before = world.pool.counts();
        assert_eq!(world.pool.handle_closed(*id, world.now), Ok(()));
        assert_eq!(world.pool.handle_settings(*id, Some(1), world.now), Ok(()));
        assert_eq!(world.pool.handle_goaway(*id, world.now), Ok(()));
        assert_eq!(world.pool.counts(), before);
    }
    let books = world.tickets.iter();
    let ended = books.filter(|(_, book)| book.state == TicketState::Ended);
    let ended: Vec<TicketId> = ended.map(|(id, _)| *id).collect();
    if let Some(id) = ended.get(pick % ended.len().max(1)).copied() {
        world.misuse(|pool, now| pool.handle_stream_ended(id, now));
        world.misuse(|pool, now| pool.handle_stream_refused(id, now));
        world.cancel(id);
    }
}

/// Ends everything that is under way: nothing may be left.
fn wind_up(world: &mut World) {
    for id in world.in_phase(Phase::Dialling) {
        if world.connections[&id].phase == Phase::Dialling {
            world.dial_failed(id, 1);
        }
    }
    while let Some(id) = world.streaming().first() {
        world.end(*id);
    }
    while let Some(id) = world.waiting().first() {
        world.cancel(*id);
        while let Some(id) = world.streaming().first() {
            world.end(*id);
        }
    }
    assert_eq!(
        (world.pool.counts().streams, world.pool.counts().waiting),
        (0, 0)
    );
    for _ in 0..3 {
        // The successors that spread keys still dial.
        for id in world.in_phase(Phase::Dialling) {
            world.dial_failed(id, 1);
        }
        world.pass(Duration::from_secs(3600));
    }
    let counts = world.pool.counts();
    assert_eq!(
        (counts.keys, counts.dialling, counts.open, counts.draining),
        (0, 0, 0, 0),
        "{:?}",
        world.pool
    );
    assert_eq!(world.pool.poll_timeout(), None);
    world.drain();
    assert!(world.pool.is_drained());
}
