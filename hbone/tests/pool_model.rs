//! Random schedules with faults: whatever happens in whatever order, the pool's books agree with naive ones, and every promise
//! that `pool_world` checks at each step holds. A plain run takes the same seeds each time, so that it says the same about the same
//! code. To look further, set `POOL_SCHEDULES` (how many seeds each long test takes) and `POOL_SEED` (the first of them);
//! `PROPTEST_CASES` and `PROPTEST_RNG_SEED` do the same for the short ones.

mod pool_world;

use std::collections::BTreeSet;
use std::time::Duration;

use hbone::pool::{ConnectionId, PoolConfig, Spread, TicketId};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use pool_world::{Key, Limits, MILLI, Phase, SECOND, TicketState, World};

/// One event: which, and two numbers that choose its details.
type Step = (u8, u16, u16);

#[test]
fn ten_thousand_random_steps_break_no_promise() {
    for_each_schedule(|world, seed| {
        for step in Steps(seed).take(10_000) {
            take(world, step, false);
        }
    });
}

#[test]
fn a_caller_who_polls_late_loses_nothing() {
    for_each_schedule(|world, seed| {
        world.is_prompt = false;
        for step in Steps(seed).take(5_000) {
            take(world, step, seed.is_multiple_of(2));
            world.poll(usize::from(step.2 % 4));
        }
        world.poll(usize::MAX);
        world.is_prompt = true;
    });
}

#[test]
fn spread_keys_keep_the_same_promises() {
    for_each_schedule(|world, seed| {
        for step in Steps(seed).take(10_000) {
            take(world, step, true);
        }
    });
}

#[test]
fn connections_inside_others_keep_the_same_promises() {
    for_each_schedule(|world, seed| {
        for step in Steps(seed).take(3_000) {
            nest(world, step);
            take(world, step, seed.is_multiple_of(2));
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..repeatable(300) })]

    /// The same in small, where a failure shrinks to something that can be read.
    #[test]
    fn a_few_random_steps_break_no_promise(
        steps in prop::collection::vec(any::<Step>(), 1..120),
        which in 0..CONFIGURATIONS,
        spread in any::<bool>(),
    ) {
        let mut world = world(which);
        for step in steps {
            take(&mut world, step, spread);
        }
        wind_up(&mut world);
    }
}

/// Runs a schedule of every seed in every configuration, and winds it up.
fn for_each_schedule(schedule: impl Fn(&mut World, u64)) {
    let first = number("POOL_SEED").unwrap_or(0);
    for seed in first..first + number("POOL_SCHEDULES").unwrap_or(2) {
        for which in 0..CONFIGURATIONS {
            let _named = OnPanic(seed, which);
            let mut world = world(which);
            world.check_each = 20;
            schedule(&mut world, seed);
            wind_up(&mut world);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how much a test does is told from outside"
)]
fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|error| panic!("{variable}={value}: {error}")),
    )
}

/// Says which schedule it was.
struct OnPanic(u64, usize);

impl Drop for OnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the schedule of POOL_SEED={} in configuration {}",
                self.0, self.1
            );
        }
    }
}

/// So many cases from the same seed each time, unless the environment says otherwise.
fn repeatable(cases: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    ProptestConfig {
        cases: number("PROPTEST_CASES").map_or(cases, |_| given.cases),
        rng_seed: match given.rng_seed {
            RngSeed::Random => RngSeed::Fixed(2),
            fixed => fixed,
        },
        ..given
    }
}

const CONFIGURATIONS: usize = 4;

fn world(which: usize) -> World {
    let limits = match which {
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
    };
    World::with(limits, |config: PoolConfig| {
        config.backoff(50 * MILLI, 400 * MILLI)
    })
}

fn take(world: &mut World, (kind, pick, detail): Step, spread: bool) {
    world.forget_old();
    let key = Key(u32::from(pick % 5));
    let chosen = |ids: Vec<ConnectionId>| ids.get(usize::from(pick) % ids.len().max(1)).copied();
    let ticket = |ids: Vec<TicketId>| ids.get(usize::from(pick) % ids.len().max(1)).copied();
    match kind % 32 {
        0..=7 => request(world, key, spread),
        8 => (0..detail % 30).for_each(|_| request(world, key, spread)),
        9..=11 => {
            if let Some(id) = chosen(world.in_phase(Phase::Dialling)) {
                world.connected(id);
            }
        }
        12..=15 => {
            if let Some(id) = chosen(world.in_phase(Phase::Up)) {
                world.settings(id, limit(detail));
            }
        }
        16 => {
            if let Some(id) = chosen(world.in_phase(Phase::Settled)) {
                world.settings(id, limit(detail));
            }
        }
        17 => {
            if let Some(id) = chosen(world.in_phase(Phase::Dialling)) {
                world.dial_failed(id, u32::from(detail));
            }
        }
        18 => {
            let mut ids = world.in_phase(Phase::Settled);
            ids.extend(world.in_phase(Phase::Up));
            if let Some(id) = chosen(ids) {
                match detail % 3 {
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
        28 | 29 => world.pass(u32::from(detail % 100) * MILLI),
        30 => match detail % 8 {
            0 => world.pass(Duration::from_secs(u64::from(detail % 400))),
            1 => world.retire(&[key]),
            _ => world.tick(),
        },
        _ => stale(world, pick),
    }
}

/// Some dials go through a stream of another connection, which carries no other.
fn nest(world: &mut World, (kind, pick, detail): Step) {
    if !kind.is_multiple_of(3) {
        return;
    }
    let books = world.connections.values();
    let taken: BTreeSet<TicketId> = books.filter_map(|book| book.carried_by).collect();
    let (mut dials, mut streams) = (world.in_phase(Phase::Dialling), world.streaming());
    dials.retain(|dial| world.connections[dial].carried_by.is_none());
    streams.retain(|stream| !taken.contains(stream));
    let dial = dials.get(usize::from(pick) % dials.len().max(1));
    let stream = streams.get(usize::from(detail) % streams.len().max(1));
    if let (Some(dial), Some(stream)) = (dial, stream) {
        world.carried(*dial, *stream);
    }
}

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

fn limit(detail: u16) -> Option<u32> {
    [Some(0), Some(1), Some(1), Some(2), Some(5), Some(100), None][usize::from(detail) % 7]
}

/// News about what has ended: harmless for connections, a mistake for tickets.
fn stale(world: &mut World, pick: u16) {
    let closed = world.in_phase(Phase::Closed);
    if let Some(id) = closed.get(usize::from(pick) % closed.len().max(1)) {
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
    if let Some(id) = ended.get(usize::from(pick) % ended.len().max(1)).copied() {
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

/// The steps of a seed (splitmix64).
struct Steps(u64);

impl Iterator for Steps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let [kind, low, high, small, large, ..] = z.to_le_bytes();
        Some((
            kind,
            u16::from_le_bytes([low, high]),
            u16::from_le_bytes([small, large]),
        ))
    }
}

/// A schedule in which taking turns made a dial needless, and the slot that this set free was given to nobody.
#[test]
fn a_slot_that_taking_turns_sets_free_goes_to_whoever_waits() {
    let mut world = world(1);
    world.check_each = 1;
    for step in Steps(3_238_884).take(5_000) {
        take(&mut world, step, false);
    }
    wind_up(&mut world);
}

/// A schedule at whose end a failure is told late: the rest that it names was over by then, for a connection had come up. Those who came
/// since wait for a slot, rightly.
#[test]
fn a_rest_that_is_told_late_may_be_over() {
    let mut world = world(2);
    world.is_prompt = false;
    for step in Steps(866 * 7919 + 14).take(5_000) {
        take(&mut world, step, false);
        world.poll(usize::from(step.2 % 4));
    }
    world.poll(usize::MAX);
    world.is_prompt = true;
    wind_up(&mut world);
}
