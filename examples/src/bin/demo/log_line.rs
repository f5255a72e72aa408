use std::io::{self, Write};

use hbone_examples::terminal_safe;

/// Writes a line of the log to standard error. Files and peers have a say in it: nothing of that begins a line of its own, or changes what a
/// terminal shows.
pub(crate) struct LogLine<W>(pub(crate) W);

impl<W: Write> Write for LogLine<W> {
    /// Takes a line, all of it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let shown = terminal_safe::line(line, terminal_safe::message);
        self.0.write_all(shown.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn what_is_logged_is_one_line() {
        let written = Shared::default();
        let to = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || LogLine(to.clone()))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!("a\nERROR b\u{1b}[2J");
        });
        let written = written.0.lock().expect("no panic");
        let written = String::from_utf8_lossy(&written);
        assert_eq!(written.lines().count(), 1, "{written}");
        assert!(!written.contains('\u{1b}'), "{written}");
    }

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
