use thiserror::Error;

use super::{Metadata, MetadataError};
use crate::Claimed;

/// What to do with the bytes offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// More is needed. Keep them, and offer them again with what comes next; never more than the size limit and 8 bytes are
    /// asked to be kept.
    Hold,
    /// The first `skip` bytes were metadata; everything after them is the application's.
    Pass {
        /// How many bytes to drop.
        skip: usize,
    },
}

/// What came of looking for a peer in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// The peer says this.
    Found(&'a Claimed<Metadata>),
    /// It was looked for, and the peer did not say who it is: another method may be tried.
    NotFound,
    /// Nothing is known either way: it was not looked for, or the peer sent something that holds no metadata.
    Silent,
    /// It is still looked for.
    Waiting,
}

/// What to do about metadata that was begun and is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFault {
    /// An error: the connection is no good.
    Fail,
    /// As Envoy does: no peer was found, and what was not read as metadata goes to the application.
    #[default]
    PassThrough,
}

/// Why a stream with metadata is no good ([`OnFault::Fail`]).
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

/// The 8 bytes before metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// As far as there is any, it could be one.
    Partial,
    /// It is none.
    Other,
    /// The size of what follows.
    Size(usize),
}

pub(super) const HEADER: usize = 8;

impl Header {
    /// Looks for a header; what differs from `magic` is told from it at its first byte.
    pub(super) fn parse(bytes: &[u8], magic: [u8; 4], size: impl Fn([u8; 4]) -> u32) -> Self {
        if bytes
            .iter()
            .zip(&magic)
            .any(|(byte, expected)| byte != expected)
        {
            return Self::Other;
        }
        match bytes.first_chunk::<HEADER>() {
            Some([_, _, _, _, a, b, c, d]) => {
                usize::try_from(size([*a, *b, *c, *d])).map_or(Self::Size(usize::MAX), Self::Size)
            }
            None => Self::Partial,
        }
    }
}

/// Appends a header and what it is for.
pub(super) fn write(
    magic: [u8; 4],
    size: impl Fn(u32) -> [u8; 4],
    body: &[u8],
    out: &mut Vec<u8>,
) -> bool {
    let Ok(len) = u32::try_from(body.len()) else {
        return false;
    };
    out.extend_from_slice(&magic);
    out.extend_from_slice(&size(len));
    out.extend_from_slice(body);
    true
}
