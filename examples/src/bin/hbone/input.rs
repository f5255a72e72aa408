use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;

use crate::failure::Failure;
use crate::hex;
use crate::output::print;

/// What is read: a file or standard input, up to a mebibyte.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// What to read; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// A flag for commands that read bytes.
#[derive(Debug, Args)]
pub(crate) struct Raw {
    /// The bytes themselves, instead of two hex digits for each (blanks, line ends and colons between them are skipped)
    #[arg(long)]
    raw: bool,
}

/// Far more than any head or metadata has; what is larger was given by mistake.
const LIMIT: u64 = 1024 * 1024;

impl Input {
    /// All of it.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Failure> {
        let name = self.name();
        if self.is_stdin() {
            return bounded(io::stdin().lock(), &name);
        }
        let file = File::open(&self.file)
            .with_context(|| {
                format!("cannot open {name}; name a readable file, or `-` for standard input")
            })
            .map_err(Failure::Input)?;
        bounded(file, &name)
    }

    /// What it is called in a message.
    pub(crate) fn name(&self) -> String {
        if self.is_stdin() {
            return "standard input".into();
        }
        self.file.display().to_string()
    }

    /// The bytes it stands for.
    pub(crate) fn bytes(&self, form: &Raw) -> Result<Vec<u8>, Failure> {
        let input = self.read()?;
        if form.raw {
            return Ok(input);
        }
        hex::decode(&input)
            .with_context(|| format!("{} is not hex", self.name()))
            .map_err(Failure::Input)
    }

    fn is_stdin(&self) -> bool {
        self.file == Path::new("-")
    }
}

impl Raw {
    /// Prints bytes.
    pub(crate) fn print(&self, bytes: &[u8]) -> Result<(), Failure> {
        if self.raw {
            print(bytes)?;
        } else {
            print(format!("{}\n", hex::encode(bytes)).as_bytes())?;
        }
        Ok(())
    }
}

fn bounded(reader: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    reader
        .take(LIMIT + 1)
        .read_to_end(&mut input)
        .with_context(|| {
            format!("cannot read {name}; name a readable file, or `-` for standard input")
        })
        .map_err(Failure::Input)?;
    if u64::try_from(input.len()).is_ok_and(|len| len > LIMIT) {
        return Err(Failure::Input(anyhow!(
            "{name} is larger than {LIMIT} bytes; cut out the part that is to be read"
        )));
    }
    Ok(input)
}
