//! Standard output of the programs that print a report and end.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};

/// Prints `text`, all of it at once. Whoever has read enough and closes the pipe, such as `head`, is no failure.
///
/// # Errors
/// The text cannot be written.
pub fn print(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context(
            "cannot write to standard output; check where it leads to, and that there is room",
        ),
    }
}
