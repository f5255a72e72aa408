use std::fmt;
use std::io::{self, IsTerminal, Write};

use rustix::stdio::{stdin, stdout};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::AsyncReadExt;

/// A terminal that shows one thing after another on a screen of its own. What it showed before is there again when this is
/// dropped.
pub(super) struct Screen {
    /// How it was set, if there is a keyboard.
    before: Option<Termios>,
}

/// A screen of its own, without a cursor, on which what is too long for a line is cut.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";
/// To the first line, and everything is wiped.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

impl Screen {
    /// Takes the terminal, if standard output is one.
    pub(super) fn open() -> io::Result<Option<Self>> {
        if !io::stdout().is_terminal() {
            return Ok(None);
        }
        let before = match io::stdin().is_terminal() {
            true => Some(tcgetattr(stdin())?),
            false => None,
        };
        if let Some(mut settings) = before.clone() {
            // A key counts at once and is not shown, ctrl-c included.
            let line_by_line = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
            settings.local_modes.remove(line_by_line);
            tcsetattr(stdin(), OptionalActions::Now, &settings)?;
        }
        // From here on it is put back, whatever fails.
        let screen = Self { before };
        write(ENTER)?;
        Ok(Some(screen))
    }

    /// How many lines there is room for.
    pub(super) fn lines(&self) -> Option<usize> {
        let size = tcgetwinsize(stdout()).ok()?;
        Some(usize::from(size.ws_row)).filter(|lines| *lines > 0)
    }

    /// Shows this instead of what was there.
    pub(super) fn draw(&self, what: impl fmt::Display) -> io::Result<()> {
        write(&format!("{CLEAR}{what}"))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs neither.
        let _ = write(LEAVE);
        if let Some(before) = &self.before {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}

/// Waits until somebody wants no more: for `q`, ctrl-c or ctrl-d. Without a keyboard, for ever.
pub(super) async fn quit() {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    if io::stdin().is_terminal() {
        let mut keys = tokio::io::stdin();
        while let Ok(key) = keys.read_u8().await {
            if matches!(key, b'q' | b'Q' | INTERRUPT | END) {
                return;
            }
        }
    }
    std::future::pending().await
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
