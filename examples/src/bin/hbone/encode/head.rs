use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::Deserializer;

use crate::failure::{EXIT_CODES, Failure};
use crate::head::{Form, Head, Said};
use crate::input::{Input, Raw};
use crate::object::Object;
use crate::output::print;

/// Encode `{"request": {"authority": "10.0.0.1:80"}}` or `{"response": {"status": 200}}` as the head of a CONNECT or its
/// answer.
///
/// Reads what `hbone decode head` prints, one value or more. A request may have `baggage` (a list of lines), `forwarded`,
/// `origin_network`, `source` (gateway, sidecar or waypoint), `traceparent`, and `unknown` (a list of names and values); a
/// response `baggage`; for frames, both `stream` and `end_stream` beside them.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct EncodeHead {
    #[command(flatten)]
    input: Input,
    /// What to write
    #[arg(long, value_enum, default_value_t = Form::Text)]
    form: Form,
    #[command(flatten)]
    raw: Raw,
}

impl EncodeHead {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let name = self.input.name();
        let input = self.input.read()?;
        let mut heads: Vec<Head> = Vec::new();
        for said in Deserializer::from_slice(&input).into_iter::<Object<Said>>() {
            let place = || format!("{name}, value {}", heads.len() + 1);
            let Object(said) = said
                .with_context(|| {
                    format!(
                        "{} is not {{\"request\": {{\"authority\": \"HOST:PORT\"}}}} or \
                         {{\"response\": {{\"status\": 200}}}} in JSON",
                        place()
                    )
                })
                .map_err(Failure::Input)?;
            let head = said.to_head().with_context(place).map_err(Failure::Input)?;
            heads.push(head);
        }
        if heads.is_empty() {
            return Err(Failure::Input(anyhow!(
                "{name} is empty; give {{\"request\": {{\"authority\": \"HOST:PORT\"}}}} in JSON"
            )));
        }
        let bytes = self.form.write(&heads);
        if self.form == Form::Text {
            return print(&bytes).map(drop);
        }
        self.raw.print(&bytes)
    }
}
