use std::io::{self, Write};

use anyhow::Error;

use crate::failure::Failure;

/// Whether whoever reads the output still does. One that has seen enough, such as `head`, is no failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    Gone,
}

/// Prints to standard output, all of it at once.
pub(crate) fn print(bytes: &[u8]) -> Result<Reader, Failure> {
    let mut stdout = io::stdout().lock();
    reader(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// What came of writing to standard output.
pub(crate) fn reader(written: io::Result<()>) -> Result<Reader, Failure> {
    match written {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::Other(Error::new(error).context(
            "cannot write to standard output; check where it leads to, and that there is room",
        ))),
    }
}
