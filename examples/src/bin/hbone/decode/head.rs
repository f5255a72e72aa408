use anyhow::{Context, anyhow};
use clap::Args;

use crate::failure::{EXIT_CODES, Failure};
use crate::head::{Form, Said, read};
use crate::input::{Input, Raw};
use crate::shown::print_json;

/// Decode the heads of CONNECTs and of their answers: text, HTTP/2 frames, or an HPACK block.
///
/// Prints a JSON value a head: every field, what the head asks for or answers, the peer that its baggage names, the headers
/// that are malformed and therefore ignored, and how a server refuses it if it does. Frames and blocks are read as hex, such as
/// Wireshark and tcpdump copy it, or with --raw as they are.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct DecodeHead {
    #[command(flatten)]
    input: Input,
    /// What the input is
    #[arg(long, value_enum, default_value_t = Form::Text)]
    form: Form,
    #[command(flatten)]
    raw: Raw,
    /// Exit with 2 if a head would be refused, or a header of it ignored
    #[arg(long)]
    strict: bool,
}

impl DecodeHead {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let name = self.input.name();
        let bytes = match self.form {
            Form::Text => self.input.read()?,
            Form::Block | Form::Frames => self.input.bytes(&self.raw)?,
        };
        let heads = self
            .form
            .parse(&bytes)
            .context(name.clone())
            .map_err(Failure::Input)?;
        if heads.is_empty() {
            let hint = "give a head, or another --form";
            return Err(Failure::Input(anyhow!("{name} has no head in it; {hint}")));
        }
        let mut all = Vec::with_capacity(heads.len());
        for head in &heads {
            let message = read(&head.fields)
                .context(name.clone())
                .map_err(Failure::Input)?;
            all.push(Said::new(head, &message));
        }
        if let Some(complaint) = all.iter().filter(|_| self.strict).find_map(Said::complaint) {
            return Err(Failure::Input(anyhow!("{name}: {complaint}")));
        }
        all.iter().try_for_each(print_json)
    }
}
