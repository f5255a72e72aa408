//! W3C Baggage, and Istio's peer attributes in it.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

pub mod istio;

#[cfg(feature = "arbitrary")]
mod arbitrary;
mod baggage;
mod cursor;
mod element;
mod encode_error;
#[cfg(feature = "http")]
mod headers;
mod iter;
mod limits;
mod member;
mod members;
mod parse_error;
mod parsed;
mod percent;
mod property;
mod sanitized;
#[cfg(feature = "serde")]
mod serde;
mod writer;

pub use baggage::Baggage;
pub use encode_error::EncodeError;
pub use iter::Iter;
pub use limits::Limits;
pub use member::Member;
pub use members::Members;
pub use parse_error::{ParseError, ParseErrorKind};
pub use parsed::Parsed;
pub use property::{Properties, Property};
pub use sanitized::Sanitized;
