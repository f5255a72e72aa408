mod baggage;

use clap::{Args, Subcommand};

use crate::failure::Failure;

/// Read what stands on the wire and print what it means, as JSON.
#[derive(Debug, Args)]
pub(crate) struct Decode {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Baggage(baggage::DecodeBaggage),
}

impl Decode {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Baggage(command) => command.run(),
        }
    }
}
