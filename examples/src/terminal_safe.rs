//! Text that cannot change what a terminal shows, nor begin a line of its own, whoever had a say in it.
//!
//! What counts as unsafe is what [`Sanitized`] escapes, but for the backslash: that has been escaped already by whoever put something in
//! quotes, and must not be once more.

use std::borrow::Cow;
use std::fmt::Write;

use baggage::Sanitized;

/// A message, or a line of a log without its end.
#[must_use]
pub fn message(text: &str) -> Cow<'_, str> {
    escaped(text, |escaped, unsafe_char| {
        escaped.extend(unsafe_char.escape_unicode());
    })
}

/// A line of a log as it is written: made safe by one of the functions here, but for its own end, which stays.
#[must_use]
pub fn line(line: &[u8], safe: fn(&str) -> Cow<'_, str>) -> String {
    let (line, end) = match line.strip_suffix(b"\n") {
        Some(line) => (line, "\n"),
        None => (line, ""),
    };
    safe(&String::from_utf8_lossy(line)).into_owned() + end
}

/// JSON that means the same. All that is unsafe in it stands in strings, but for the ends of lines, which stay.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    escaped(text, |escaped, unsafe_char| {
        if unsafe_char == '\n' {
            return escaped.push(unsafe_char);
        }
        for unit in unsafe_char.encode_utf16(&mut [0; 2]) {
            // A `String` takes everything.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    })
}

fn escaped(text: &str, escape: impl Fn(&mut String, char)) -> Cow<'_, str> {
    // Nearly all there is.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_safe(character) {
            escaped.push(character);
        } else {
            escape(&mut escaped, character);
        }
    }
    Cow::Owned(escaped)
}

fn is_safe(character: char) -> bool {
    let mut buffer = [0; 4];
    let shown = Sanitized::new(character.encode_utf8(&mut buffer)).to_cow();
    character == '\\' || shown.chars().eq([character])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_without_a_say_over_the_terminal() {
        let text = "a \"b\\u{1b}\" é\u{1b}[31m\n\u{9b}\u{202e}";
        let safe = r#"a "b\u{1b}" é\u{1b}[31m\u{a}\u{9b}\u{202e}"#;
        assert_eq!(message(text), safe);
        assert!(matches!(message("plain \\ \"text\""), Cow::Borrowed(_)));
    }

    #[test]
    fn nothing_in_a_line_begins_another() {
        let written = line(b"WARN services.a\nERROR b\x1b[2J\n", message);
        assert_eq!(written, "WARN services.a\\u{a}ERROR b\\u{1b}[2J\n");
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({"a": "é\u{1b}\n\\\u{9b}\u{202e}\u{e0001}"});
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        let safe = json(&pretty);
        assert!(safe.lines().count() == 3 && !safe.contains(['\u{9b}', '\u{202e}', '\u{e0001}']));
        let read: serde_json::Value = serde_json::from_str(&safe).expect("JSON");
        assert_eq!(read, value);
    }
}
