use std::borrow::Cow;
use std::io::{self, Write, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::terminal_safe;

/// Takes the lines of the log, and has a thread of its own write them to standard output: whoever does not read them holds nobody up.
///
/// When so many wait that no more are kept, further ones are left out, and the log says how many once it is read again.
#[derive(Debug, Clone)]
pub(super) struct LogWriter {
    orders: Sender<Order>,
    waiting: Arc<Waiting>,
}

/// What is not written yet.
#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    left_out: AtomicU64,
}

/// Makes of a line one that may be shown.
pub(super) type Safe = fn(&str) -> Cow<'_, str>;

#[derive(Debug)]
enum Order {
    Write(Vec<u8>),
    /// Tell when all that came before is written.
    Tell(Sender<()>),
}

/// The most bytes that wait: some ten thousand lines.
const MOST: usize = 4 << 20;
/// How long the end of the process waits for whoever reads the log.
const PATIENCE: Duration = Duration::from_secs(1);

impl LogWriter {
    /// Starts the thread, which makes lines `safe`.
    ///
    /// # Errors
    /// The system's: there is no room for a thread.
    pub(super) fn start(safe: Safe) -> io::Result<Self> {
        let (orders, taken) = channel();
        let waiting = Arc::new(Waiting::default());
        let writer = Self {
            orders,
            waiting: Arc::clone(&waiting),
        };
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&taken, &waiting, safe, stdout, tell_left_out))?;
        Ok(writer)
    }

    /// Waits until all is written that has come so far, as long as there is hope for it: whether there was.
    pub(super) fn finish(&self) -> bool {
        let (tell, told) = channel();
        self.orders.send(Order::Tell(tell)).is_ok() && told.recv_timeout(PATIENCE).is_ok()
    }
}

impl Write for LogWriter {
    /// Takes a line, all of it. It never waits.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let waiting = &*self.waiting;
        let before = waiting.bytes.fetch_add(line.len(), Ordering::Relaxed);
        if before > MOST {
            waiting.bytes.fetch_sub(line.len(), Ordering::Relaxed);
            waiting.left_out.fetch_add(1, Ordering::Relaxed);
        } else {
            // The thread ends with the process.
            let _ = self.orders.send(Order::Write(line.to_vec()));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// It comes behind those that were kept.
fn tell_left_out(lines: u64) {
    tracing::warn!(
        lines,
        "lines of the log were left out, since nobody read them"
    );
}

/// Does what is asked for, until nobody is left to ask.
fn write_all<W: Write>(
    orders: &Receiver<Order>,
    waiting: &Waiting,
    safe: Safe,
    out: impl Fn() -> W,
    tell_left_out: impl Fn(u64),
) {
    while let Ok(order) = orders.recv() {
        match order {
            Order::Write(line) => {
                // Nobody reads it any more: that is no reason to end, nor to say so again and again.
                let _ = out().write_all(terminal_safe::line(&line, safe).as_bytes());
                waiting.bytes.fetch_sub(line.len(), Ordering::Relaxed);
                let lines = waiting.left_out.swap(0, Ordering::Relaxed);
                if lines > 0 {
                    tell_left_out(lines);
                }
            }
            Order::Tell(tell) => {
                let _ = out().flush();
                let _ = tell.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn what_nobody_reads_is_kept_up_to_a_limit_and_then_counted() {
        let (orders, taken) = channel();
        let waiting = Arc::new(Waiting::default());
        let mut writer = LogWriter {
            orders,
            waiting: Arc::clone(&waiting),
        };
        let line = [b'a'; 1 << 10];
        let kept = MOST / line.len() + 1;
        for _ in 0..kept + 7 {
            assert_eq!(writer.write(&line).expect("it never fails"), line.len());
        }
        drop(writer);
        // Somebody begins to read.
        let (read, told) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let out = || Reader(&read);
        write_all(&taken, &waiting, terminal_safe::message, out, |lines| {
            told.borrow_mut().push(lines)
        });
        assert_eq!(read.borrow().len(), kept * line.len());
        assert_eq!(*told.borrow(), [7]);
        assert_eq!(waiting.bytes.load(Ordering::Relaxed), 0);
    }

    struct Reader<'a>(&'a RefCell<Vec<u8>>);

    impl Write for Reader<'_> {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
