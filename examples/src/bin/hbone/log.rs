use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hbone_examples::terminal_safe;

/// Lines on standard error, written by a thread of their own: whoever reads them slowly, or not at all, slows nobody down.
///
/// Lines that find no room are counted and left out, and so is what [`Log::often`] is asked to say too often.
#[derive(Clone)]
pub(crate) struct Log(Arc<Shared>);

struct Shared {
    lines: SyncSender<Message>,
    left_out: AtomicU64,
    /// How it is told that so many lines were.
    telling: fn(u64) -> String,
    budget: Mutex<Budget>,
}

enum Message {
    Line(String),
    /// Everything before this is written; whoever waits is told.
    Flush(SyncSender<()>),
}

/// How many lines wait for a slow reader at most.
const WAITING: usize = 4096;

impl Log {
    /// Starts writing for a person.
    pub(crate) fn to_stderr() -> Self {
        Self::telling(|lines| format!("({lines} lines were left out)"))
    }

    /// The same; the line that says how many were left out is made by `telling`.
    pub(crate) fn telling(telling: fn(u64) -> String) -> Self {
        let (log, written) = Self::new(WAITING, telling);
        thread::spawn(move || write(&written));
        log
    }

    fn new(room: usize, telling: fn(u64) -> String) -> (Self, Receiver<Message>) {
        let (lines, written) = sync_channel(room);
        let shared = Shared {
            lines,
            left_out: AtomicU64::new(0),
            telling,
            budget: Mutex::new(Budget::full()),
        };
        (Self(Arc::new(shared)), written)
    }

    /// Somebody who writes each piece of news as a line.
    pub(crate) fn teller(&self) -> impl Fn(String) + Send + Sync + use<> + 'static {
        let log = self.clone();
        move |news| log.line(format!("hbone: {}", terminal_safe::message(&news)))
    }

    /// Writes a line.
    pub(crate) fn line(&self, line: String) {
        let left_out = self.0.left_out.swap(0, Ordering::Relaxed);
        let line = match left_out {
            0 => line,
            more => format!("{}\n{line}", (self.0.telling)(more)),
        };
        if self.0.lines.try_send(Message::Line(line)).is_err() {
            self.0.left_out.fetch_add(left_out + 1, Ordering::Relaxed);
        }
    }

    /// Writes a line of a kind that a hostile client can cause at will, unless there were too many lately.
    pub(crate) fn often(&self, line: impl FnOnce() -> String) {
        let is_affordable = {
            let mut budget = self.0.budget.lock().unwrap_or_else(PoisonError::into_inner);
            budget.spend(Instant::now())
        };
        if is_affordable {
            self.line(line());
        } else {
            self.0.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits a moment for what was said to be written.
    pub(crate) fn flush(&self) {
        let (told, done) = sync_channel(1);
        if self.0.lines.try_send(Message::Flush(told)).is_ok() {
            let (Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) =
                done.recv_timeout(MOMENT);
        }
    }
}

/// How long a reader of the log may hold up the end of the process.
const MOMENT: Duration = Duration::from_secs(1);

fn write(lines: &Receiver<Message>) {
    // A log that nobody takes any more is no reason to stop.
    for message in lines {
        match message {
            Message::Line(line) => drop(writeln!(io::stderr(), "{line}")),
            Message::Flush(told) => drop(told.send(())),
        }
    }
}

/// A bucket of lines.
struct Budget {
    lines: f64,
    since: Instant,
}

/// How many such lines may come at once.
const BURST: f64 = 50.0;
/// How many more each second.
const RATE: f64 = 10.0;

impl Budget {
    fn full() -> Self {
        Self {
            lines: BURST,
            since: Instant::now(),
        }
    }

    fn spend(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.since = now;
        self.lines = (self.lines + passed * RATE).min(BURST);
        let affordable = self.lines >= 1.0;
        if affordable {
            self.lines -= 1.0;
        }
        affordable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_lines_were_left_out_is_told_in_the_readers_own_language() {
        let (log, written) = Log::new(1, |lines| format!("{{\"left out\":{lines}}}"));
        for line in ["1", "2", "3"] {
            log.line(line.to_owned());
        }
        let line = |message| match message {
            Ok(Message::Line(line)) => line,
            _ => panic!("no line"),
        };
        assert_eq!(line(written.try_recv()), "1");
        log.line("4".to_owned());
        assert_eq!(line(written.try_recv()), "{\"left out\":2}\n4");
    }
}
