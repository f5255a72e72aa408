//! The walk over a [`Route`](crate::Route), from nothing to the innermost tunnel.

mod action;
mod error;
mod limits;
mod machine;

pub use action::DialAction;
pub use error::{DialCause, DialError};
pub use limits::DialLimits;
pub use machine::Dial;
