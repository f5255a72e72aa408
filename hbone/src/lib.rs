//! The crate is being laid out.

mod api_misuse;
pub mod pool;
mod reason;

pub use api_misuse::ApiMisuse;
pub use reason::Reason;
