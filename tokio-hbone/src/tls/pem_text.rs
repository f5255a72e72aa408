use super::TlsConfigError;

/// A text of PEM as its reader wants it: without the byte order mark that some editors put before it.
///
/// # Errors
/// [`TlsConfigError::Pem`] if a block begins behind white space or another such mark. A reader would skip it without a word (RFC 7468
/// section 2 has each boundary on a line of its own), be it a leaf, a root or a revocation list, while it takes the others.
pub(super) fn pem_text<'a>(what: &'static str, text: &'a [u8]) -> Result<&'a [u8], TlsConfigError> {
    let text = text.strip_prefix(MARK).unwrap_or(text);
    for (number, line) in (1..).zip(text.split(|octet| *octet == b'\n')) {
        if line.split(|octet| *octet == b'\r').any(is_indented) {
            // Without what the line says, which may be a key.
            return Err(TlsConfigError::Pem {
                what,
                reason: format!(
                    "white space or a byte order mark is before BEGIN on line {number}"
                ),
            });
        }
    }
    Ok(text)
}

/// Whether there is a block of PEM in a text, or something that is meant to be one.
pub(super) fn has_block(text: &[u8]) -> bool {
    text.windows(BEGIN.len()).any(|window| window == BEGIN)
}

const MARK: &[u8] = b"\xef\xbb\xbf";
const BEGIN: &[u8] = b"-----BEGIN ";

/// Whether a block begins on this line, behind what cannot be seen.
fn is_indented(line: &[u8]) -> bool {
    let mut rest = line.trim_ascii_start();
    while let Some(shorter) = rest.strip_prefix(MARK) {
        rest = shorter.trim_ascii_start();
    }
    rest.len() < line.len() && rest.starts_with(BEGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_behind_what_cannot_be_seen_is_an_error_and_any_other_text_is_not() {
        for (line, is_fine) in [
            ("-----BEGIN X-----", true),
            ("\u{feff}-----BEGIN X-----", true),
            ("# -----BEGIN X-----", true),
            ("see -----BEGIN X-----", true),
            ("\r\n-----BEGIN X-----\r\n", true),
            ("\n-----END X----- -----BEGIN X-----", true),
            (" -----BEGIN X-----", false),
            ("\u{feff}\t-----BEGIN X-----", false),
            ("first\n\t -----BEGIN X-----", false),
            ("-----END X-----\r    -----BEGIN X-----", false),
            ("-----END X-----\n\u{feff}-----BEGIN X-----", false),
            (
                "-----END X-----\n \u{feff}\u{feff} -----BEGIN X-----",
                false,
            ),
        ] {
            let read = pem_text("trust bundle", line.as_bytes());
            assert_eq!(read.is_ok(), is_fine, "{line:?}");
        }
    }
}
