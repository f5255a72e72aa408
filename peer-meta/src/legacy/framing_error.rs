use thiserror::Error;

use super::MetadataError;

/// Why a stream with metadata is no good ([`OnFault::Fail`](super::OnFault::Fail)).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FramingError {
    /// The exchange was agreed on, but the stream begins with something else.
    #[error("the peer agreed to exchange metadata and sent something else")]
    Magic,
    /// The frame is whole, its content is not metadata.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The stream ended inside the metadata.
    #[error("the stream ended within the peer's metadata")]
    Truncated,
}
