use anyhow::Context;
use baggage::{Baggage, EncodeError};
use clap::Args;
use serde::Deserialize;

use crate::failure::{EXIT_CODES, Failure};
use crate::input::Input as Source;
use crate::object::{Object, skipped};
use crate::output::print;

/// Encode `{"members": [{"key": "k", "value": "v", "properties": [{"key": "p", "value": "1"}]}]}` as one
/// `baggage` header line.
///
/// Reads what `hbone decode baggage` prints. Keys cannot be escaped: one that is not a token exits with 2,
/// and nothing is printed. Members that do not fit W3C's limits (64 members, 8192 bytes once encoded) are
/// left out with a warning; if none fits, that exits with 2. No members print nothing, since then no header
/// is to be sent.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct EncodeBaggage {
    #[command(flatten)]
    input: Source,
}

impl EncodeBaggage {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Object(input): Object<Input> = serde_json::from_slice(&self.input.read()?)
            .with_context(|| {
                let name = self.input.name();
                format!("{name} is not {{\"members\": [{{\"key\": ..., \"value\": ...}}]}} in JSON")
            })
            .map_err(Failure::Input)?;
        let mut baggage = Baggage::new();
        let mut left_out = None;
        for Object(member) in &input.members {
            match member.push_to(&mut baggage) {
                Ok(()) => {}
                Err(error) if error.is_limit() => {
                    eprintln!("hbone: left out: {error} ({})", error.as_str());
                    left_out = Some(error);
                }
                Err(error) => return Err(refused(error)),
            }
        }
        match left_out {
            Some(error) if baggage.is_empty() => Err(refused(error)),
            _ if baggage.is_empty() => Ok(()),
            _ => print(format!("{baggage}\n").as_bytes()).map(drop),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    members: Vec<Object<Member>>,
    #[serde(default, rename = "istio", deserialize_with = "skipped")]
    _istio: (),
    #[serde(default, rename = "skipped", deserialize_with = "skipped")]
    _skipped: (),
    #[serde(default, rename = "truncated", deserialize_with = "skipped")]
    _truncated: (),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    key: String,
    value: String,
    #[serde(default)]
    properties: Vec<Object<Property>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Property {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

impl Member {
    fn push_to(&self, baggage: &mut Baggage) -> Result<(), EncodeError> {
        let properties = self
            .properties
            .iter()
            .map(|Object(property)| (property.key.as_str(), property.value.as_deref()));
        baggage.push_with_properties(&self.key, &self.value, properties)
    }
}

fn refused(error: EncodeError) -> Failure {
    let reason = error.as_str();
    Failure::Input(anyhow::Error::new(error).context(reason))
}
