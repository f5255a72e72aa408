use std::fmt::{self, Display, Write};

/// Text from a peer, fit for a line of a log: control and format characters are escaped, so that it cannot begin a line of its own
/// or turn the direction of one, and it is cut where it grows too long.
///
/// Specification: HBONE-Q-008.
pub(super) struct Escaped<T>(pub(super) T);

/// How many characters are shown.
const MOST: usize = 256;

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sieve = Sieve { to: f, left: MOST };
        match write!(sieve, "{}", self.0) {
            Err(_) if sieve.left == 0 => sieve.to.write_str("..."),
            written => written,
        }
    }
}

struct Sieve<'a, 'b> {
    to: &'a mut fmt::Formatter<'b>,
    left: usize,
}

impl Write for Sieve<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.left == 0 {
                return Err(fmt::Error);
            }
            self.left -= 1;
            match c {
                '\'' | '"' => self.to.write_char(c)?,
                // What is not printable is escaped, directional marks and line separators included.
                _ => write!(self.to, "{}", c.escape_debug())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn no_text_begins_a_line_or_turns_one() {
        let hostile = "a\r\nb\u{1b}[31m\u{202e}\u{2028}\u{85}\\\"";
        assert_eq!(
            Escaped(hostile).to_string(),
            r#"a\r\nb\u{1b}[31m\u{202e}\u{2028}\u{85}\\""#
        );
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(Escaped("x".repeat(256)).to_string(), "x".repeat(256));
        let cut = format!("{}...", "x".repeat(256));
        assert_eq!(Escaped("x".repeat(100_000)).to_string(), cut);
    }
}
