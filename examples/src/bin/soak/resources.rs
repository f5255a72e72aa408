use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::Handle;

/// What this process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resources {
    pub(crate) descriptors: usize,
    pub(crate) tasks: usize,
    /// Resident memory in KiB.
    pub(crate) resident: u64,
}

impl Resources {
    pub(crate) fn now() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").context("reading /proc")?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .context("no VmRSS in /proc/self/status")?;
        Ok(Self {
            descriptors: std::fs::read_dir("/proc/self/fd")?.count(),
            tasks: Handle::current().metrics().num_alive_tasks(),
            resident: resident.parse()?,
        })
    }
}

/// Resident memory over time, in KiB.
#[derive(Debug, Default)]
pub(crate) struct Memory(Vec<(Duration, u64)>);

impl Memory {
    pub(crate) fn note(&mut self, at: Duration, resident: u64) {
        self.0.push((at, resident));
    }

    /// By how many KiB a minute it grows from `start` on; nothing without two samples.
    ///
    /// What is resident goes up and down with the load, and up by a step when the allocator gives a thread an arena of its own or
    /// a burst is larger than any before. A leak is what grows all the time. So the lowest sample of each [`WINDOW`] is taken,
    /// a line is laid through those of either half of the time by least squares, and the flatter of the two counts. Where there
    /// are too few windows, it is the line through all samples.
    pub(crate) fn slope(&self, start: Duration) -> Option<f64> {
        let floors = self.floors(start);
        let (earlier, later) = floors.split_at(floors.len() / 2);
        match (line(earlier), line(later)) {
            (Some(earlier), Some(later)) => Some(earlier.min(later)),
            _ => {
                let samples = self.0.iter().filter(|(at, _)| *at >= start);
                line(&samples.copied().collect::<Vec<_>>())
            }
        }
    }

    /// The lowest sample of each window from `start` on.
    fn floors(&self, start: Duration) -> Vec<(Duration, u64)> {
        let window = |at: Duration| (at - start).as_millis() / WINDOW.as_millis();
        let judged: Vec<_> = self.0.iter().filter(|(at, _)| *at >= start).collect();
        let windows = judged.chunk_by(|(one, _), (other, _)| window(*one) == window(*other));
        let floors = windows.filter_map(|window| window.iter().min_by_key(|(_, size)| *size));
        floors.map(|floor| **floor).collect()
    }
}

/// Long enough that a restart of servers, with the load that comes after it, is over.
const WINDOW: Duration = Duration::from_secs(5);

/// The slope of the line through the samples, in KiB a minute.
fn line(samples: &[(Duration, u64)]) -> Option<f64> {
    let points = || {
        let each = samples.iter();
        each.map(|(at, resident)| (at.as_secs_f64() / 60.0, *resident as f64))
    };
    let count = samples.len() as f64;
    let (times, sizes) = points().fold((0.0, 0.0), |(times, sizes), (at, size)| {
        (times + at, sizes + size)
    });
    let (middle, mean) = (times / count, sizes / count);
    let (up, across) = points().fold((0.0, 0.0), |(up, across), (at, size)| {
        (
            up + (at - middle) * (size - mean),
            across + (at - middle) * (at - middle),
        )
    });
    (across > 0.0).then(|| up / across)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(sizes: impl IntoIterator<Item = u64>) -> Memory {
        let mut memory = Memory::default();
        for (second, size) in (0..).zip(sizes) {
            memory.note(Duration::from_secs(second), size);
        }
        memory
    }

    #[test]
    fn a_slope_is_that_of_the_line_through_the_samples() {
        let slope = |sizes: [u64; 4], start| memory(sizes).slope(Duration::from_secs(start));
        assert_eq!(slope([5, 5, 5, 5], 0), Some(0.0));
        let close = |found: Option<f64>, expected: f64| {
            assert!(
                found.is_some_and(|found| (found - expected).abs() < 1e-6),
                "{found:?}"
            );
        };
        close(slope([10, 11, 12, 13], 0), 60.0);
        close(slope([10, 14, 10, 14], 0), 48.0);
        close(slope([99, 14, 13, 12], 1), -60.0);
        assert_eq!(slope([99, 14, 13, 12], 3), None);
    }

    #[test]
    fn a_leak_is_seen_among_bursts_and_a_step_is_no_leak() {
        let slope = |size: fn(u64) -> u64| {
            let slope = memory((0..60).map(size)).slope(Duration::from_secs(20));
            slope.expect("samples enough")
        };
        // Two MB a minute.
        assert!(slope(|second| 100_000 + second * 32) > 1_000.0);
        assert!(slope(|second| 100_000 + second * 32 + second % 7 / 4 * 20_000) > 1_000.0);
        assert!(slope(|second| if second < 45 { 100_000 } else { 104_000 }).abs() < 1.0);
        assert!(slope(|second| 100_000 + second % 7 / 4 * 20_000).abs() < 1.0);
    }

    #[tokio::test]
    async fn a_descriptor_and_a_task_are_seen() {
        let before = Resources::now().expect("a /proc");
        let files: Vec<_> = (0..50)
            .map(|_| std::fs::File::open("/dev/null").expect("a file"))
            .collect();
        let task = tokio::spawn(std::future::pending::<()>());
        let during = Resources::now().expect("a /proc");
        assert!(during.descriptors >= before.descriptors + 40);
        assert_eq!(during.tasks, before.tasks + 1);
        assert!(during.resident > 0);
        task.abort();
        drop(files);
    }
}
