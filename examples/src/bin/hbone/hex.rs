//! Bytes as people paste and read them.

use data_encoding::{DecodeKind, HEXLOWER, HEXLOWER_PERMISSIVE};
use thiserror::Error;

/// Why a text is not hex.
#[derive(Debug, Error)]
#[error(
    "line {line}, column {column}: {reason}; give two hex digits a byte, or --raw for the bytes themselves"
)]
pub(crate) struct HexError {
    line: usize,
    column: usize,
    reason: &'static str,
}

/// Reads two digits of either case a byte; blanks, line ends and colons are skipped.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, HexError> {
    let (at, digits): (Vec<usize>, Vec<u8>) = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| !b" \t\r\n:".contains(byte))
        .unzip();
    HEXLOWER_PERMISSIVE.decode(&digits).map_err(|error| {
        let position = at.get(error.position).copied().unwrap_or(text.len());
        let before = text.get(..position).unwrap_or(text);
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        HexError {
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: before.len() - line_start + 1,
            reason: match error.kind {
                DecodeKind::Length => "the last byte has one digit only",
                _ => "not a hex digit",
            },
        }
    })
}

/// Writes 32 bytes a line.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let lines: Vec<String> = bytes.chunks(32).map(|line| HEXLOWER.encode(line)).collect();
    lines.join("\n")
}
