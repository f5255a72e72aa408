//! What the benchmarks in `benches/` share: a ratio against a baseline in the same run, never a bare time.

use std::time::{Duration, Instant};

use allocation_counter::measure;

/// Prints what `ours` costs next to `naive`.
///
/// # Panics
/// If `ours` allocates more than `most` times.
pub fn report(name: &str, most: u64, ours: impl Fn(), naive: impl Fn()) {
    let count = measure(&ours).count_total;
    let baseline = measure(&naive).count_total;
    println!(
        "{name}: {count} allocations (at most {most}; baseline {baseline}), {:.2} of the baseline's time",
        ratio(&ours, &naive)
    );
    assert!(count <= most, "{name} allocates {count} times");
}

/// How long `ours` takes for every unit that `naive` takes: the median of interleaved samples.
pub fn ratio(ours: impl Fn(), naive: impl Fn()) -> f64 {
    let sample = |work: &dyn Fn()| -> Duration {
        let start = Instant::now();
        for _ in 0..2_000 {
            work();
        }
        start.elapsed()
    };
    let mut ratios: Vec<f64> = (0..51)
        .map(|_| sample(&ours).as_secs_f64() / sample(&naive).as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
}
