use alloc::vec::Vec;

use crate::baggage::Baggage;
use crate::parse_error::ParseError;

/// What lenient parsing made of the header lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parsed {
    /// The members that were well-formed and within the limits, in order.
    pub baggage: Baggage,
    /// The malformed members that were left out, in order; no more than
    /// [`Limits::reports`](crate::Limits::reports) of them.
    pub skipped: Vec<ParseError>,
    /// How many malformed members were left out in all.
    pub skipped_total: usize,
    /// Where reading stopped for a limit, and which: this member and all after it were left out. `None` if
    /// all was read.
    pub truncated: Option<ParseError>,
}
