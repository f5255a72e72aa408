//! What a warm request costs, from `request` to `handle_stream_ended`: the same with 1,000 keys and with 100,000, and no allocation.
//!
//! The ratio compares medians of alternating rounds in one run. `hot` asks for the same few hundred keys among all, as traffic does, and so
//! compares like with like: a ratio above the bound ends the run with a failure. `uniform` asks for all keys evenly, so that with 100,000
//! of them every request also pays for memory that is in no cache; it is shown and held to nothing.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::Criterion;
use hbone::pool::{Action, Checkout, Pool, PoolConfig};

type Keys = Pool<u64, ()>;

const FEW: u64 = 1_000;
const MANY: u64 = 100_000;
const HOT: u64 = 256;
/// What a hot request may cost with many keys, in terms of one with few.
const MAX_RATIO: f64 = 1.5;

fn main() -> ExitCode {
    let mut criterion = Criterion::default().configure_from_args();
    let now = Instant::now();
    let (mut few, mut many) = (warm_pool(FEW, now), warm_pool(MANY, now));
    criterion.bench_function("pool/warm request/1,000 keys", |bencher| {
        let mut keys = Walk::new(FEW, HOT);
        bencher.iter(|| request(&mut few, keys.next(), now));
    });
    criterion.bench_function("pool/warm request/100,000 keys", |bencher| {
        let mut keys = Walk::new(MANY, HOT);
        bencher.iter(|| request(&mut many, keys.next(), now));
    });
    let hot = ratio(&mut few, &mut many, [HOT, HOT], now);
    let uniform = ratio(&mut few, &mut many, [FEW, MANY], now);
    for (name, ratio) in [("hot", hot), ("uniform", uniform)] {
        println!(
            "pool: a warm request with 100,000 keys costs {ratio:.2} times one with 1,000 ({name})"
        );
    }
    println!(
        "pool: only hot is bounded, by {MAX_RATIO}: uniform walks 100 times the memory, and what it adds is cache misses, not steps"
    );
    let mut keys = Walk::new(MANY, HOT);
    let allocations = allocation_counter::measure(|| {
        (0..ROUND).for_each(|_| request(&mut many, keys.next(), now))
    });
    println!(
        "pool: {} allocations in {ROUND} warm requests",
        allocations.count_total
    );
    assert_eq!(allocations.count_total, 0);
    criterion.final_summary();
    if hot > MAX_RATIO {
        eprintln!("pool: {hot:.2} is above the bound of {MAX_RATIO}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// A pool with one idle connection for each key.
fn warm_pool(keys: u64, now: Instant) -> Keys {
    let mut pool = Keys::new(PoolConfig::new().max_connections(usize::MAX));
    for key in 0..keys {
        let ticket = pool.request(&key, now).unwrap().ticket();
        while let Some(action) = pool.poll_action() {
            if let Action::Dial { connection, .. } = action {
                pool.handle_connected(connection, key, now).unwrap();
                pool.handle_settings(connection, Some(100), now).unwrap();
            }
        }
        pool.handle_stream_ended(ticket, now).unwrap();
    }
    assert_eq!(pool.counts().open, keys as usize);
    pool
}

fn request(pool: &mut Keys, key: u64, now: Instant) {
    let checkout = black_box(pool.request(black_box(&key), now)).unwrap();
    assert!(matches!(checkout, Checkout::Ready { .. }));
    assert!(pool.poll_action().is_none());
    pool.handle_stream_ended(checkout.ticket(), now).unwrap();
}

fn ratio(
    few: &mut Keys,
    many: &mut Keys,
    [few_visited, many_visited]: [u64; 2],
    now: Instant,
) -> f64 {
    let (mut few_keys, mut many_keys) =
        (Walk::new(FEW, few_visited), Walk::new(MANY, many_visited));
    let mut times = [(); ROUNDS].map(|()| {
        (
            time(few, &mut few_keys, now),
            time(many, &mut many_keys, now),
        )
    });
    times.sort_by_key(|(few, _)| *few);
    let few = times[ROUNDS / 2].0;
    times.sort_by_key(|(_, many)| *many);
    times[ROUNDS / 2].1.as_secs_f64() / few.as_secs_f64()
}

fn time(pool: &mut Keys, keys: &mut Walk, now: Instant) -> Duration {
    let start = Instant::now();
    for _ in 0..ROUND {
        request(pool, keys.next(), now);
    }
    start.elapsed()
}

/// Visits some keys, evenly spaced over all of them, in an order without a pattern that a processor could guess.
struct Walk {
    keys: u64,
    visited: u64,
    state: u64,
}

impl Walk {
    fn new(keys: u64, visited: u64) -> Self {
        Self {
            keys,
            visited,
            state: 1,
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let which = (u128::from(self.state) * u128::from(self.visited)) >> 64;
        which as u64 * (self.keys / self.visited)
    }
}

const ROUND: u32 = 20_000;
const ROUNDS: usize = 51;
