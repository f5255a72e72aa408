use std::fmt::{self, Write};

use baggage::Sanitized;

/// What a peer has said, as a field of a log line: in quotes, nothing in it that a terminal or a parser of the log could take
/// for something else, and not too long.
pub(crate) struct Quoted<'a>(pub(crate) &'a [u8]);

/// The most bytes of it that are shown.
const MOST: usize = 512;

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, is_cut) = match self.0.split_at_checked(MOST) {
            Some((shown, rest)) => (shown, !rest.is_empty()),
            None => (self.0, false),
        };
        f.write_char('"')?;
        let text = String::from_utf8_lossy(shown);
        for (index, part) in text.split('"').enumerate() {
            if index > 0 {
                f.write_str("\\\"")?;
            }
            Sanitized::new(part).fmt(f)?;
        }
        f.write_char('"')?;
        if is_cut {
            write!(f, "(cut, {} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_no_way_out_of_its_quotes() {
        let shown = |bytes: &[u8]| Quoted(bytes).to_string();
        assert_eq!(shown(b"a=b"), r#""a=b""#);
        assert_eq!(shown(b"\" end=ok \\\""), r#""\" end=ok \\\"""#);
        assert_eq!(shown(b"\n\x1b[31m"), r#""\u{a}\u{1b}[31m""#);
        assert_eq!(shown(b"\xff"), "\"\u{fffd}\"");
    }

    #[test]
    fn a_field_has_an_end() {
        let shown = Quoted(&[b'a'; 513]).to_string();
        assert_eq!(shown, format!("\"{}\"(cut, 513 bytes)", "a".repeat(512)));
        assert_eq!(Quoted(&[b'a'; 512]).to_string().len(), 514);
    }
}
