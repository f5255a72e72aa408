//! The crate is being laid out.

mod api_misuse;
mod reason;

pub use api_misuse::ApiMisuse;
pub use reason::Reason;
