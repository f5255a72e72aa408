//! Random schedules with faults: whatever happens in whatever order, the pool's books agree with naive ones, and every promise
//! that `pool_world` checks at each step holds. A plain run takes the same seeds each time, so that it says the same about the same
//! code. To look further, set `POOL_SCHEDULES` (how many seeds each long test takes) and `POOL_SEED` (the first of them);
//! `PROPTEST_CASES` and `PROPTEST_RNG_SEED` do the same for the short ones.

mod pool_schedule;
mod pool_world;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use pool_schedule::{CONFIGURATIONS, wind_up, world};
use pool_world::World;

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

fn take(world: &mut World, (kind, pick, detail): Step, spread: bool) {
    let below = |bound| usize::from(detail) % bound;
    pool_schedule::take(world, kind.into(), pick.into(), below, spread);
}

fn nest(world: &mut World, (kind, pick, detail): Step) {
    if kind.is_multiple_of(3) {
        pool_schedule::nest(world, pick.into(), detail.into());
    }
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
