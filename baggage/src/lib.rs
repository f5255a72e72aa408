//! W3C Baggage, and Istio's peer attributes in it.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod istio;

mod cursor;
mod element;
mod limits;
mod member;
mod members;
mod parse_error;
mod percent;
mod property;

pub use limits::Limits;
pub use member::Member;
pub use members::Members;
pub use parse_error::{ParseError, ParseErrorKind};
pub use property::{Properties, Property};
