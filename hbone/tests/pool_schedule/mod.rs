//! The events of a schedule with faults, for those that choose at random and for the fuzzer.

use std::collections::BTreeSet;
use std::time::Duration;

use hbone::pool::{ConnectionId, PoolConfig, Spread, TicketId};

use crate::pool_world::{Key, Limits, MILLI, Phase, SECOND, TicketState, World};

/// How many worlds [`world`] knows.
pub(crate) const CONFIGURATIONS: usize = 4;

pub(crate) fn world(which: usize) -> World {
    with(match which {
        0 => Limits::default(),
        // few slots, short times
        1 => Limits {
            connections: 4,
            per_key: 2,
            streams: 3,
            wait: SECOND,
            idle: 2 * SECOND,
            age: Some(5 * SECOND),
        },
        // one slot for all
        2 => Limits {
            connections: 1,
            per_key: 1,
            streams: 1,
            wait: 2 * SECOND,
            ..Limits::default()
        },
        // many small connections
        _ => Limits {
            connections: 20,
            per_key: 20,
            streams: 2,
            wait: 3 * SECOND,
            idle: 10 * SECOND,
            age: None,
        },
    })
}

pub(crate) fn with(limits: Limits) -> World {
    World::with(limits, |config: PoolConfig| {
        config.backoff(50 * MILLI, 400 * MILLI)
    })
}

/// One event: `kind` says which, `pick` to whom, and `below` chooses what else there is to choose, a number below the one it is given.
pub(crate) fn take(
    world: &mut World,
    kind: usize,
    pick: usize,
    mut below: impl FnMut(usize) -> usize,
    spread: bool,
) {
    world.forget_old();
    let key = Key((pick % 5) as u32);
    let chosen = |ids: Vec<ConnectionId>| ids.get(pick % ids.len().max(1)).copied();
    let ticket = |ids: Vec<TicketId>| ids.get(pick % ids.len().max(1)).copied();
    match kind % 32 {
        0..=7 => request(world, key, spread),
        8 => (0..below(30)).for_each(|_| request(world, key, spread)),
        9..=11 => {
            if let Some(id) = chosen(world.in_phase(Phase::Dialling)) {
                world.connected(id);
            }
        }
        12..=15 => {
            if let Some(id) = chosen(world.in_phase(Phase::Up)) {
                world.settings(id, LIMITS[below(LIMITS.len())]);
            }
        }
        16 => {
            if let Some(id) = chosen(world.in_phase(Phase::Settled)) {
                world.settings(id, LIMITS[below(LIMITS.len())]);
            }
        }
        17 => {
            if let Some(id) = chosen(world.in_phase(Phase::Dialling)) {
                world.dial_failed(id, below(1 << 16) as u32);
            }
        }
        18 => {
            let mut ids = world.in_phase(Phase::Settled);
            ids.extend(world.in_phase(Phase::Up));
            if let Some(id) = chosen(ids) {
                match below(3) {
                    0 => world.goaway(id),
                    // late news of a connection that the pool has closed says nothing about its siblings
                    2 if world.is_prompt => world.unresponsive(id),
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
        28 | 29 => world.pass(below(100) as u32 * MILLI),
        30 => match below(8) {
            0 => world.pass(Duration::from_secs(below(400) as u64)),
            1 => world.retire(&[key]),
            _ => world.tick(),
        },
        _ => stale(world, pick),
    }
}

/// What a peer's settings allow.
const LIMITS: [Option<u32>; 7] = [Some(0), Some(1), Some(1), Some(2), Some(5), Some(100), None];

fn request(world: &mut World, key: Key, spread: bool) {
    // an error is an answer; that it is a true one is for the world to check
    let _ = if spread && key.0.is_multiple_of(2) {
        let spread = Spread::by_weight(4)
            .requests(12.try_into().unwrap())
            .age(3 * SECOND);
        world.request_spread(key, spread, 4)
    } else {
        world.request(key)
    };
}

/// Some dials go through a stream of another connection, which carries no other.
pub(crate) fn nest(world: &mut World, dial: usize, stream: usize) {
    let books = world.connections.values();
    let taken: BTreeSet<TicketId> = books.filter_map(|book| book.carried_by).collect();
    let (mut dials, mut streams) = (world.in_phase(Phase::Dialling), world.streaming());
    dials.retain(|dial| world.connections[dial].carried_by.is_none());
    streams.retain(|stream| !taken.contains(stream));
    let dial = dials.get(dial % dials.len().max(1));
    let stream = streams.get(stream % streams.len().max(1));
    if let (Some(dial), Some(stream)) = (dial, stream) {
        world.carried(*dial, *stream);
    }
}

/// News about what has ended: harmless for connections, a mistake for tickets.
fn stale(world: &mut World, pick: usize) {
    let closed = world.in_phase(Phase::Closed);
    if let Some(id) = closed.get(pick % closed.len().max(1)) {
        let before = world.pool.counts();
        world.pool.handle_closed(*id, world.now).unwrap();
        world.pool.handle_settings(*id, Some(1), world.now).unwrap();
        world.pool.handle_goaway(*id, world.now).unwrap();
        assert_eq!(world.pool.counts(), before);
    }
    let ended: Vec<TicketId> = world
        .tickets
        .iter()
        .filter(|(_, book)| book.state == TicketState::Ended)
        .map(|(id, _)| *id)
        .collect();
    if let Some(id) = ended.get(pick % ended.len().max(1)).copied() {
        world.misuse(|pool, now| pool.handle_stream_ended(id, now));
        world.misuse(|pool, now| pool.handle_stream_refused(id, now));
        world.cancel(id);
    }
}

/// Ends everything that is under way: nothing may be left.
pub(crate) fn wind_up(world: &mut World) {
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
    assert_eq!(world.pool.counts().streams, 0);
    assert_eq!(world.pool.counts().waiting, 0);
    for _ in 0..3 {
        // the successors that spread keys still dial
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
