mod baggage;
mod head;
mod legacy;

use clap::{Args, Subcommand};

use crate::failure::{EXIT_CODES, Failure};

/// Read a meaning as JSON and print what stands on the wire for it.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Encode {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Baggage(baggage::EncodeBaggage),
    Head(head::EncodeHead),
    Legacy(legacy::EncodeLegacy),
}

impl Encode {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Baggage(command) => command.run(),
            What::Head(command) => command.run(),
            What::Legacy(command) => command.run(),
        }
    }
}
