use serde::Serialize;

/// Requests to each endpoint in windows of 60 s.
#[derive(Debug)]
pub(crate) struct Windows {
    counts: Vec<u32>,
    /// When an endpoint came or went last; all of them come at the start.
    changed_at: u64,
    summary: Deviation,
}

/// How far the requests of a network stray from the weights of its endpoints.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Deviation {
    /// The largest of all windows and endpoints, relative to the endpoint's share of the weights.
    pub(crate) largest: f64,
    pub(crate) sum: f64,
    pub(crate) points: u64,
    pub(crate) windows: u64,
    pub(crate) windows_left_out: u64,
}

impl Windows {
    pub(crate) fn new(endpoints: usize) -> Self {
        Self {
            counts: vec![0; endpoints],
            changed_at: 0,
            summary: Deviation::default(),
        }
    }

    pub(crate) fn count(&mut self, endpoint: usize) {
        self.counts[endpoint] += 1;
    }

    /// An endpoint came or went.
    pub(crate) const fn note_change(&mut self, now: u64) {
        self.changed_at = now;
    }

    /// A window has ended.
    pub(crate) fn close(&mut self, now: u64, weights: &[u32]) {
        // a change at the very start of a window is one within it
        if now.saturating_sub(WINDOW) <= self.changed_at {
            self.summary.windows_left_out += 1;
        } else {
            self.measure(weights);
        }
        self.counts.fill(0);
    }

    pub(crate) const fn summary(&self) -> Deviation {
        self.summary
    }

    fn measure(&mut self, weights: &[u32]) {
        let requests = f64::from(self.counts.iter().sum::<u32>());
        let weight = f64::from(weights.iter().sum::<u32>());
        for (count, own) in self.counts.iter().zip(weights) {
            let due = requests * f64::from(*own) / weight;
            let deviation = (f64::from(*count) / due - 1.0).abs();
            self.summary.largest = self.summary.largest.max(deviation);
            self.summary.sum += deviation;
            self.summary.points += 1;
        }
        self.summary.windows += 1;
    }
}

impl Deviation {
    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            largest: self.largest.max(other.largest),
            sum: self.sum + other.sum,
            points: self.points + other.points,
            windows: self.windows + other.windows,
            windows_left_out: self.windows_left_out + other.windows_left_out,
        }
    }

    pub(crate) fn mean(&self) -> f64 {
        self.sum / (self.points.max(1)) as f64
    }
}

/// In milliseconds.
pub(crate) const WINDOW: u64 = 60_000;
