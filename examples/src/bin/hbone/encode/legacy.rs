use anyhow::Context;
use clap::Args;
use http::HeaderMap;
use peer_meta::legacy::{AlpnExchange, OnFault, PeerHeaders, Preamble, ReadConfig};

use crate::failure::{EXIT_CODES, Failure};
use crate::input::{Input, Raw};
use crate::legacy::{Carrier, Framing, Said};
use crate::object::Object;
use crate::output::print;

/// Encode `{"metadata": {"attributes": {...}, "identity": "...", "labels": {...}}, "id": "..."}` as sidecars and Envoy carry it
/// outside of baggage.
///
/// Reads what `hbone decode legacy` prints; the attributes are those that `hbone decode baggage` calls `istio`. `id` is the id
/// of the proxy, which the exchange tells. A preamble without metadata is the empty one, which says that there is none.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct EncodeLegacy {
    #[command(flatten)]
    framing: Framing,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    raw: Raw,
}

impl EncodeLegacy {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let name = self.input.name();
        let Object(said): Object<Said> = serde_json::from_slice(&self.input.read()?)
            .with_context(|| {
                format!("{name} is not {{\"metadata\": {{\"attributes\": {{...}}}}}} in JSON")
            })
            .map_err(Failure::Input)?;
        let metadata = said.metadata.map(|Object(metadata)| metadata.to_metadata());
        let mut bytes = Vec::new();
        match self.framing.carrier {
            Carrier::Preamble => {
                Preamble::encode(metadata.as_ref(), self.framing.order(), &mut bytes)
            }
            Carrier::Exchange => {
                let own = metadata.unwrap_or_default();
                let mut exchange =
                    AlpnExchange::new(&own, &said.id, OnFault::Fail, ReadConfig::new(), None);
                exchange.handle_alpn(Some(b"istio-peer-exchange"));
                exchange.poll_transmit(&mut bytes);
            }
            Carrier::Header => {
                let mut headers = HeaderMap::new();
                PeerHeaders::new(&metadata.unwrap_or_default(), "").on_request(&mut headers);
                for value in headers.values() {
                    print(&[value.as_bytes(), b"\n"].concat())?;
                }
                return Ok(());
            }
        }
        self.raw.print(&bytes)
    }
}
