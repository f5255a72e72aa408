use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use baggage::Sanitized;

/// A path as a word of a command that a person can copy into a shell, whatever is in it. What is plain stays as it is.
///
/// Nothing in it changes what a terminal shows: where a path has such characters, or is no UTF-8, it is written as `$'...'`, which the
/// shells have in common since POSIX.1-2024 (2.2.4), and bash, ksh and zsh had before.
pub(super) fn shell_word(path: &Path) -> String {
    let path = path.as_os_str();
    // A program would take it for a flag.
    let before = match path.as_bytes().first() {
        Some(b'-') => "./",
        _ => "",
    };
    match path.to_str() {
        Some(text) if !text.is_empty() && text.bytes().all(is_plain) => format!("{before}{text}"),
        Some(text) if text.split('\\').all(is_shown_as_it_is) => {
            format!("'{before}{}'", text.replace('\'', r"'\''"))
        }
        _ => format!("$'{before}{}'", octal(path)),
    }
}

/// What no shell has a use for, anywhere in a word.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'/' | b'.' | b'_' | b'-' | b'+' | b',' | b':' | b'@' | b'%'
        )
}

/// Backslashes apart.
fn is_shown_as_it_is(text: &str) -> bool {
    Sanitized::new(text).to_cow() == text
}

fn octal(text: &OsStr) -> String {
    let mut word = String::new();
    for byte in text.as_bytes() {
        match byte {
            b'\'' | b'\\' => {
                word.push('\\');
                word.push(char::from(*byte));
            }
            b' '..=b'~' => word.push(char::from(*byte)),
            // Always three digits, so that one that follows is none of them. Nothing that is written to a string fails.
            _ => drop(write!(word, "\\{byte:03o}")),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn word(path: &[u8]) -> String {
        shell_word(Path::new(OsStr::from_bytes(path)))
    }

    #[test]
    fn what_is_plain_stays_as_it_is() {
        assert_eq!(
            word(b"/tmp/pki-1/shop.cart.pem"),
            "/tmp/pki-1/shop.cart.pem"
        );
        assert_eq!(word(b"a b"), "'a b'");
        assert_eq!(word(b"a'b"), r"'a'\''b'");
        assert_eq!(word("Amélie".as_bytes()), "'Amélie'");
        assert_eq!(word(b"\x1b[2J1"), r"$'\033[2J1'");
    }

    #[test]
    fn a_shell_reads_the_path_that_was_meant() {
        let all: Vec<u8> = (1..=255).collect();
        let paths: [&[u8]; 9] = [
            b"a b",
            b"~/x",
            b"$(false) `false` \"$HOME\" *",
            b"it's\\'",
            b"a;b&c|d>e#f!g",
            b"",
            b"\\",
            "\u{202e}txt\n".as_bytes(),
            &all,
        ];
        for path in paths {
            let script = format!("printf %s {}", word(path));
            let output = Command::new("bash").args(["-c", &script]).output();
            let output = output.expect("bash");
            assert_eq!(output.stdout, path, "{script}");
            let bad = |byte: &u8| byte.is_ascii_control();
            assert!(!script.bytes().any(|byte| bad(&byte)), "{script:?}");
        }
    }

    #[test]
    fn no_path_is_taken_for_a_flag() {
        assert_eq!(word(b"-x/y"), "./-x/y");
        assert_eq!(word(b"-x y"), "'./-x y'");
        assert_eq!(word(b"-\n"), r"$'./-\012'");
    }
}
