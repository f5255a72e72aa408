use alloc::borrow::Cow;
use alloc::string::ToString;
use core::fmt;

/// Text from a peer, as it may be shown to people: on a terminal, in a log line, as a metric's label.
///
/// Control characters, line and paragraph separators, and invisible characters, among them all that change the
/// direction of writing, appear as `\u{...}`, and a backslash as `\\`, so that different texts stay different.
/// (Visible characters that resemble each other are as they are.)
///
/// ```
/// use baggage::Sanitized;
///
/// assert_eq!(Sanitized::new("red\u{1b}[31m\n").to_string(), r"red\u{1b}[31m\u{a}");
/// assert_eq!(Sanitized::new("\u{202e}txt.exe").to_string(), r"\u{202e}txt.exe");
/// assert_eq!(Sanitized::new("Amélie").to_string(), "Amélie");
/// ```
///
/// Specification: HBONE-B-010, HBONE-Q-008.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sanitized<'a> {
    text: &'a str,
}

impl<'a> Sanitized<'a> {
    /// Shows this text.
    pub const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The safe text; borrowed if nothing had to be escaped.
    pub fn to_cow(self) -> Cow<'a, str> {
        match self.text.contains(is_unsafe) {
            true => Cow::Owned(self.to_string()),
            false => Cow::Borrowed(self.text),
        }
    }
}

impl fmt::Display for Sanitized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.text;
        while let Some((at, unsafe_char)) = rest.char_indices().find(|&(_, c)| is_unsafe(c)) {
            let (safe, from) = rest.split_at(at);
            f.write_str(safe)?;
            match unsafe_char {
                '\\' => f.write_str(r"\\")?,
                other => write!(f, "{}", other.escape_unicode())?,
            }
            rest = from.strip_prefix(unsafe_char).unwrap_or_default();
        }
        f.write_str(rest)
    }
}

/// The escape itself, Unicode's control (Cc) and format (Cf) characters, its line and paragraph separators
/// (Zl, Zp), and whatever else takes no room (`Default_Ignorable_Code_Point`), such as the fillers of Hangul.
fn is_unsafe(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() || c == '\\';
    }
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}'
        | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}
