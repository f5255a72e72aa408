use anyhow::{Context, anyhow};
use clap::Args;
use http::{HeaderMap, HeaderValue};
use peer_meta::legacy::{
    AlpnExchange, FramingError, Metadata, MetadataCache, MetadataError, OnFault, Outcome, Preamble,
    ReadConfig, Received,
};

use crate::failure::{EXIT_CODES, Failure};
use crate::input::{Input, Raw};
use crate::legacy::{Carrier, Framing, Said};
use crate::shown::print_json;

/// Decode peer metadata as sidecars and Envoy carry it outside of baggage.
///
/// Prints what is claimed of the workload (none of it is proved), how many bytes carried it, and how many are left for the
/// application. The exchange and the preamble are read as hex, or with --raw as they are; the header's value is text. At most
/// 64 KiB of metadata are read.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct DecodeLegacy {
    #[command(flatten)]
    framing: Framing,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    raw: Raw,
    /// Show the label with this key, too (may be given more than once); others are dropped
    #[arg(long = "label", value_name = "KEY")]
    labels: Vec<String>,
}

impl DecodeLegacy {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let name = self.input.name();
        let said = match self.framing.carrier {
            Carrier::Header => self.header(&self.input.read()?),
            Carrier::Exchange => {
                let bytes = self.input.bytes(&self.raw)?;
                let own = Metadata::default();
                let mut exchange = AlpnExchange::new(&own, "", OnFault::Fail, self.config(), None);
                exchange.handle_alpn(Some(b"istio-peer-exchange"));
                let received = exchange.handle_data(&bytes, true);
                said(received, &bytes, || exchange.outcome())
            }
            Carrier::Preamble => {
                let bytes = self.input.bytes(&self.raw)?;
                let mut preamble =
                    Preamble::new(self.framing.order(), OnFault::Fail, self.config(), None);
                let received = preamble.handle_data(&bytes, true);
                said(received, &bytes, || preamble.outcome()).and_then(Said::of_a_preamble)
            }
        };
        print_json(&said.context(name).map_err(Failure::Input)?)
    }

    fn header(&self, input: &[u8]) -> anyhow::Result<Said> {
        let value = input.trim_ascii();
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(value)
            .context("not the value of a header; give one line of base64")?;
        headers.insert("x-envoy-peer-metadata", value);
        let read = MetadataCache::with_capacity(self.config(), 0).read(&headers);
        let found = read.map_err(|error| {
            let what = told(&error);
            anyhow!("{what}; give the value of the header alone")
        })?;
        let outcome = found.as_ref().map_or(Outcome::NotFound, Outcome::Found);
        Ok(Said::new(outcome, input.len(), input.len()))
    }

    fn config(&self) -> ReadConfig {
        self.labels
            .iter()
            .fold(ReadConfig::new(), |config, key| config.with_label(key))
    }
}

/// What came of offering all bytes at once.
fn said<'a>(
    received: Result<Received, FramingError>,
    bytes: &[u8],
    outcome: impl FnOnce() -> Outcome<'a>,
) -> anyhow::Result<Said> {
    let taken = match received {
        Ok(Received::Pass { skip }) => skip,
        Ok(_) => 0,
        Err(error) => {
            let offset = match &error {
                FramingError::Magic => 0,
                FramingError::Metadata(MetadataError::TooLarge { .. }) => 4,
                FramingError::Truncated => bytes.len(),
                _ => 8,
            };
            let what = match &error {
                FramingError::Metadata(error) => told(error),
                error => error.to_string(),
            };
            return Err(anyhow!(
                "byte {offset}: {what}; begin at the first byte of the stream and leave nothing out"
            ));
        }
    };
    Ok(Said::new(outcome(), taken, bytes.len()))
}

/// What is wrong, to somebody who has no limit to raise.
fn told(error: &MetadataError) -> String {
    match error {
        MetadataError::TooLarge { len, limit } => {
            format!("peer metadata of {len} bytes is more than the {limit} that a reader takes")
        }
        error => error.to_string(),
    }
}
