use clap::{Args, ValueEnum};
use peer_meta::legacy::ByteOrder;

/// Which of the carriers, and how it is written.
#[derive(Debug, Args)]
pub(crate) struct Framing {
    /// The carrier
    #[arg(value_enum)]
    pub(crate) carrier: Carrier,
    /// The preamble of a big-endian host; most are little-endian
    #[arg(long)]
    big_endian: bool,
}

/// What carries metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Carrier {
    /// The value of the header `x-envoy-peer-metadata`: base64 of a protobuf Struct, as text
    Header,
    /// What either side writes first after the ALPN `istio-peer-exchange`
    Exchange,
    /// What Envoy's in-process preamble puts before the bytes of an application
    Preamble,
}

impl Framing {
    pub(crate) fn order(&self) -> ByteOrder {
        match self.big_endian {
            true => ByteOrder::Big,
            false => ByteOrder::Little,
        }
    }
}
