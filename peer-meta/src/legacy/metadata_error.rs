use thiserror::Error;

/// Why bytes of a peer are not metadata.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The header is not standard base64, with or without padding.
    #[error("peer metadata is not base64")]
    Base64,
    /// It does not decode as protobuf, or is nested deeper than 100 levels (about 30 of Struct).
    #[error("peer metadata is not a protobuf Struct, or is nested too deeply")]
    Protobuf,
    /// It is larger than [`ReadConfig::max_bytes`](super::ReadConfig::max_bytes).
    #[error(
        "peer metadata of {len} bytes is over the limit of {limit}; raise the limit if the peer is to be trusted with it"
    )]
    TooLarge {
        /// Its size.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// The Any around it does not hold a `google.protobuf.Struct`.
    #[error("peer metadata has the wrong type URL")]
    TypeUrl,
}
