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

    /// By how many KiB a minute it grows from `start` on, by least squares; nothing without two samples.
    pub(crate) fn slope(&self, start: Duration) -> Option<f64> {
        let samples = || {
            let later = self.0.iter().filter(move |(at, _)| *at >= start);
            later.map(|(at, resident)| (at.as_secs_f64() / 60.0, *resident as f64))
        };
        let count = samples().count() as f64;
        let (times, sizes) = samples().fold((0.0, 0.0), |(times, sizes), (at, size)| {
            (times + at, sizes + size)
        });
        let (middle, mean) = (times / count, sizes / count);
        let (up, across) = samples().fold((0.0, 0.0), |(up, across), (at, size)| {
            (
                up + (at - middle) * (size - mean),
                across + (at - middle) * (at - middle),
            )
        });
        (across > 0.0).then(|| up / across)
    }
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
