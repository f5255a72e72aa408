//! One CONNECT on one connection.

mod error;
mod limits;
mod machine;

pub use error::RequestError;
pub use limits::RequestLimits;
pub use machine::{Request, RequestAction};
