use super::Metadata;
use crate::Claimed;

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
