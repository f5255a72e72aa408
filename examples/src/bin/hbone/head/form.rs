use clap::ValueEnum;

use super::Head;
use super::{block, frames, text};

/// In which form a head stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// A line `name: value` a field, pseudo-headers first; an empty line between two heads
    Text,
    /// The frames of an HTTP/2 connection in one direction. When read: from its first byte or its first HEADERS, and frames of other
    /// types are skipped; when written: a HEADERS frame a head
    Frames,
    /// One HPACK header block, the first of its connection
    Block,
}

impl Form {
    /// The heads in these bytes.
    pub(crate) fn parse(self, bytes: &[u8]) -> anyhow::Result<Vec<Head>> {
        match self {
            Self::Text => text::parse(bytes),
            Self::Frames => frames::parse(bytes),
            Self::Block => block::parse(bytes),
        }
    }

    /// The bytes that stand for these heads.
    pub(crate) fn write(self, heads: &[Head]) -> Vec<u8> {
        match self {
            Self::Text => text::write(heads),
            Self::Frames => frames::write(heads),
            Self::Block => block::write(heads),
        }
    }
}
