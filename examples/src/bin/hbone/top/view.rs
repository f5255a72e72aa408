use std::cmp::Ordering;
use std::fmt;

use baggage::Sanitized;
use serde::Serialize;

use super::traffic::{Counts, Pair, Traffic};

/// What happened between two looks at a proxy, the busiest first.
#[derive(Debug, Serialize)]
pub(super) struct View {
    seconds: f64,
    rows: Vec<Row>,
    /// How many more there are than are shown.
    hidden: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    reporter: String,
    source: String,
    destination: String,
    service: String,
    open: f64,
    opened: f64,
    failed: f64,
    requests: f64,
    sent_bytes: f64,
    received_bytes: f64,
    opened_per_second: f64,
    failed_per_second: f64,
    requests_per_second: f64,
    sent_bytes_per_second: f64,
    received_bytes_per_second: f64,
}

impl View {
    /// Compares two looks that are so many seconds apart, and keeps up to `most` rows.
    pub(super) fn new(before: &Traffic, now: &Traffic, seconds: f64, most: usize) -> Self {
        let mut rows: Vec<Row> = now
            .0
            .iter()
            .map(|(pair, counts)| {
                let earlier = before.0.get(pair).copied().unwrap_or_default();
                Row::new(pair, *counts, counts.since(earlier).per(seconds))
            })
            .collect();
        // What is equally busy stays in the order of its names.
        rows.sort_by(|a, b| {
            let pairs = b.busy().into_iter().zip(a.busy());
            pairs.fold(Ordering::Equal, |so_far, (b, a)| {
                so_far.then(b.total_cmp(&a))
            })
        });
        let hidden = rows.len().saturating_sub(most);
        rows.truncate(most);
        Self {
            seconds,
            rows,
            hidden,
        }
    }
}

impl Row {
    fn new(pair: &Pair, counts: Counts, rate: Counts) -> Self {
        Self {
            reporter: pair.reporter.clone(),
            source: pair.source.clone(),
            destination: pair.destination.clone(),
            service: pair.service.clone(),
            open: counts.open(),
            opened: counts.opened,
            failed: counts.failed,
            requests: counts.requests,
            sent_bytes: counts.sent,
            received_bytes: counts.received,
            opened_per_second: rate.opened,
            failed_per_second: rate.failed,
            requests_per_second: rate.requests,
            sent_bytes_per_second: rate.sent,
            received_bytes_per_second: rate.received,
        }
    }

    /// What was counted as no number or as infinity tells nothing of that.
    fn busy(&self) -> [f64; 3] {
        let bytes = self.sent_bytes_per_second + self.received_bytes_per_second;
        let begun = self.opened_per_second + self.requests_per_second + self.failed_per_second;
        [bytes, begun, self.open].map(|count| if count.is_finite() { count } else { 0.0 })
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:11} {:28} {:28} {:24} {:>6} {:>8} {:>8} {:>7} {:>10} {:>10}",
            "REPORTER",
            "SOURCE",
            "DESTINATION",
            "SERVICE",
            "OPEN",
            "NEW/s",
            "REQ/s",
            "FAILED",
            "SENT/s",
            "RECEIVED/s"
        )?;
        for row in &self.rows {
            writeln!(
                f,
                "{:11} {:28} {:28} {:24} {:>6} {:>8} {:>8} {:>7} {:>10} {:>10}",
                cut(&row.reporter, 11),
                cut(&row.source, 28),
                cut(&row.destination, 28),
                cut(short(&row.service), 24),
                count(row.open),
                rate(row.opened_per_second),
                rate(row.requests_per_second),
                count(row.failed),
                shown(row.sent_bytes_per_second, bytes),
                shown(row.received_bytes_per_second, bytes),
            )?;
        }
        match (self.rows.is_empty(), self.hidden) {
            (true, 0) => writeln!(f, "no traffic has been counted yet"),
            (_, 0) => Ok(()),
            (_, hidden) => writeln!(f, "and {hidden} more; see them with --rows"),
        }
    }
}

/// The name and namespace of a service, of which all have the rest in common.
fn short(service: &str) -> &str {
    service
        .split_once(".svc.")
        .map_or(service, |(name, _)| name)
}

/// At most so many characters, none of which does anything to a terminal.
fn cut(text: &str, width: usize) -> String {
    let safe = Sanitized::new(text).to_cow();
    if safe.chars().count() <= width {
        return safe.into_owned();
    }
    let kept: String = safe.chars().take(width.saturating_sub(1)).collect();
    kept + "~"
}

fn count(count: f64) -> String {
    shown(count, |count| count.to_string())
}

fn rate(rate: f64) -> String {
    shown(rate, |rate| format!("{rate:.1}"))
}

/// What is no number, or has no end, says nothing.
fn shown(number: f64, as_text: impl FnOnce(f64) -> String) -> String {
    match number.is_finite() {
        true => as_text(number),
        false => "-".into(),
    }
}

fn bytes(count: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB"];
    let mut scaled = count;
    let mut unit = 0;
    while scaled >= 1024.0 && unit + 1 < units.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!(
        "{scaled:.1} {}",
        units.get(unit).copied().unwrap_or_default()
    )
}
