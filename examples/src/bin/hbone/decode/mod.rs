mod baggage;
mod head;
mod legacy;

use clap::{Args, Subcommand};

use crate::failure::{EXIT_CODES, Failure};

/// Read what stands on the wire and print what it means, as JSON.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Decode {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Baggage(baggage::DecodeBaggage),
    Head(head::DecodeHead),
    Legacy(legacy::DecodeLegacy),
}

impl Decode {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Baggage(command) => command.run(),
            What::Head(command) => command.run(),
            What::Legacy(command) => command.run(),
        }
    }
}
